/** Sentences of the platform (generated/) with their parameters, as the reader calls things: states, fields, names. */
import { messages, nameText, t, type Message } from '$lib/i18n.svelte';
import { dateLong, dateTime } from '$lib/format';
import { severityWords, stateWords } from '$generated/codes';

/** Fields as the forms call them. */
export const fieldWords: Record<string, Message> = messages({
  incidentType: { th: 'ประเภทเหตุ', en: 'kind of incident' },
  severity: { th: 'ความรุนแรง', en: 'severity' },
  name: { th: 'หัวข้อ', en: 'headline' },
  description: { th: 'รายละเอียด', en: 'description' },
  location: { th: 'สถานที่', en: 'place' },
  address: { th: 'จุดเกิดเหตุ', en: 'place in words' },
  refAlert: { th: 'การแจ้งเตือน', en: 'alert' },
  reporterName: { th: 'ผู้แจ้ง', en: 'reporter' },
  reporterPhone: { th: 'โทรศัพท์', en: 'phone' },
  outcome: { th: 'ผลการดำเนินการ', en: 'outcome' },
  reason: { th: 'เหตุผล', en: 'reason' },
  note: { th: 'บันทึก', en: 'note' },
  text: { th: 'บันทึก', en: 'note' },
  step: { th: 'ขั้นตอน', en: 'step' },
  unit: { th: 'หน่วย', en: 'unit' },
  unitType: { th: 'ประเภทหน่วย', en: 'kind of unit' },
  status: { th: 'สถานะ', en: 'state' },
  at: { th: 'เวลา', en: 'time' },
  from: { th: 'เวลาเริ่มต้น', en: 'beginning' },
  to: { th: 'เวลาสิ้นสุด', en: 'end' },
  id: { th: 'รหัสรายการ', en: 'id' },
  role: { th: 'บทบาท', en: 'role' },
  totalMthb: { th: 'วงเงินห้าปี', en: 'five-year budget' },
  yearlyMthb: { th: 'วงเงินต่อปี', en: 'limit a year' },
  username: { th: 'ชื่อผู้ใช้', en: 'user name' },
  password: { th: 'รหัสผ่าน', en: 'password' },
  old: { th: 'รหัสผ่านเดิม', en: 'old password' },
  new: { th: 'รหัสผ่านใหม่', en: 'new password' },
  roles: { th: 'บทบาท', en: 'roles' },
  purpose: { th: 'วัตถุประสงค์', en: 'purpose' },
  agency: { th: 'หน่วยงาน', en: 'agency' },
  bands: { th: 'ย่านความถี่', en: 'bands' },
  bandwidthMhz: { th: 'ความกว้างแถบความถี่', en: 'bandwidth' },
  deliverable: { th: 'ผลผลิต', en: 'deliverable' },
  share: { th: 'ส่วนที่ตรวจรับ', en: 'accepted part' },
  acceptedOn: { th: 'วันที่ตรวจรับ', en: 'date of acceptance' },
  document: { th: 'เลขที่เอกสาร', en: 'document number' },
  acceptedBy: { th: 'ผู้ตรวจรับ', en: 'accepted by' },
  problems: { th: 'ปัญหาและอุปสรรค', en: 'problems' },
  nextSteps: { th: 'แผนงานขั้นต่อไป', en: 'next steps' },
  base: { th: 'ฉบับที่ใช้เป็นฐาน', en: 'base of the change' },
  definition: { th: 'เงื่อนไขและข้อความแจ้งเตือน', en: 'conditions and texts' },
  permissions: { th: 'สิทธิ', en: 'permissions' },
  siteCount: { th: 'จำนวนสถานีฐาน', en: 'number of sites' },
});

/** What a parameter is to a reader; generated/ names it for each sentence. */
export type ParamKind = 'name' | 'names' | 'state' | 'states' | 'field' | 'time' | 'day' | 'number' | 'text';
export interface Sentence extends Message {
  readonly params?: Readonly<Record<string, ParamKind>>;
}
export const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value);
export const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

const state = (code: string): string => {
  const word = own<Message>(stateWords, code) ?? own<Message>(severityWords, code);
  return word ? t(word) : code;
};
/** The name of a field; empty for one that no form has. */
export const fieldText = (name: string): string => {
  const word = own(fieldWords, name);
  return word ? t(word) : '';
};
const list = (value: unknown, text: (one: unknown) => string): string => (Array.isArray(value) ? value.map(text).join(', ') : text(value));
export const SHOWN: Record<ParamKind, (value: unknown) => string> = {
  name: nameText,
  names: (value) => list(value, nameText),
  state: (value) => state(String(value)),
  states: (value) => list(value, (one) => state(String(one))),
  field: (value) => fieldText(String(value)) || String(value),
  time: (value) => dateTime(String(value)),
  day: (value) => dateLong(String(value)),
  number: String,
  text: String,
};

/** A sentence of the platform with its parameters, in the reader's language. */
export function sentence(said: Sentence, given: Readonly<Record<string, unknown>>): string {
  const params: Record<string, string> = {};
  for (const [name, kind] of Object.entries(said.params ?? {})) if (name in given) params[name] = SHOWN[kind](given[name]);
  const text = t(said, params);
  return said.en.startsWith('{field}') ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
