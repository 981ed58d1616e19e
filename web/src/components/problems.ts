/**
 * A refusal in the reader's words: the words of its code with its parameters (generated/problems.ts), or those of its
 * kind with the field it names; then the steps that it allows. ErrorNote shows the platform's own sentence too.
 */
import { problems } from '../generated/problems';
import { locale, messages, nameText, t, type Message } from '$lib/i18n.svelte';
import type { Problem } from '$lib/problem';
import { problemWords, severityWords, statusWords } from './messages';

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
  totalMthb: { th: 'งบห้าปี', en: 'budget of five years' },
  yearlyMthb: { th: 'งบต่อปี', en: 'budget a year' },
  username: { th: 'ชื่อผู้ใช้', en: 'user name' },
  password: { th: 'รหัสผ่าน', en: 'password' },
  old: { th: 'รหัสผ่านเดิม', en: 'old password' },
  new: { th: 'รหัสผ่านใหม่', en: 'new password' },
  roles: { th: 'บทบาท', en: 'roles' },
  purpose: { th: 'วัตถุประสงค์', en: 'purpose' },
  agency: { th: 'หน่วยงาน', en: 'agency' },
  bands: { th: 'ย่านความถี่', en: 'bands' },
  bandwidthMhz: { th: 'ความกว้างแถบความถี่', en: 'bandwidth' },
  siteCount: { th: 'จำนวนสถานีฐาน', en: 'number of sites' },
});

const words = messages({
  allowed: { th: 'ขณะนี้ทำได้: {steps}', en: 'Possible now: {steps}' },
  noneAllowed: { th: 'ไม่มีขั้นตอนถัดไป', en: 'There are no further steps' },
  field: { th: '{text} (ช่อง: {field})', en: '{text} (field: {field})' },
});

/** What a parameter is to a reader; generated/problems.ts and generated/timeline.ts name it for each. */
export type ParamKind = 'name' | 'names' | 'state' | 'states' | 'field' | 'number' | 'text';
export interface Sentence extends Message {
  readonly params?: Readonly<Record<string, ParamKind>>;
}
const isRecord = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value);
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

const state = (code: string): string => {
  const word = own<Message>(statusWords, code) ?? own<Message>(severityWords, code);
  return word ? t(word) : code;
};
const field = (name: string): string => {
  const word = own(fieldWords, name);
  return word ? t(word) : '';
};
const list = (value: unknown, text: (one: unknown) => string): string => (Array.isArray(value) ? value.map(text).join(', ') : text(value));
const SHOWN: Record<ParamKind, (value: unknown) => string> = {
  name: nameText,
  names: (value) => list(value, nameText),
  state: (value) => state(String(value)),
  states: (value) => list(value, (one) => state(String(one))),
  field: (value) => field(String(value)) || String(value),
  number: String,
  text: String,
};

/** A sentence of the platform with its parameters, in the reader's language. */
export function sentence(said: Sentence, given: Readonly<Record<string, unknown>>): string {
  const params: Record<string, string> = {};
  for (const [name, kind] of Object.entries(said.params ?? {})) if (name in given) params[name] = SHOWN[kind](given[name]);
  return t(said, params);
}

/** What to say to the reader. */
export function problemText(problem: Problem): string {
  const said = own<Sentence>(problems, String(problem.extra['code']));
  const params = problem.extra['params'];
  if (said?.params && isRecord(params)) return withSteps(sentence(said, params), problem);
  // Without parameters the platform's own sentence is the most exact, for those who read English.
  if (locale.lang === 'en' && problem.detail !== '' && problem.reason !== 'server') return problem.detail;
  const base = t(said ?? problemWords[problem.reason]);
  const name = typeof problem.extra['field'] === 'string' ? field(problem.extra['field']) : '';
  return withSteps(name ? t(words.field, { text: base, field: name }) : base, problem);
}

/** True where `problemText` is not the platform's own sentence, so that this can be shown beside it. */
export const isTranslated = (problem: Problem): boolean => problem.detail !== '' && problemText(problem) !== problem.detail;

function withSteps(text: string, problem: Problem): string {
  const allowed = problem.extra['allowed'];
  if (!Array.isArray(allowed)) return text;
  const steps = allowed.length === 0 ? t(words.noneAllowed) : t(words.allowed, { steps: SHOWN.states(allowed) });
  return `${text} · ${steps}`;
}
