/**
 * A refusal in the reader's words: by the kind of problem, the field it names, the steps it allows, and the sentences of
 * the platform that a person at a screen can cause. The platform's own sentence (English) is never lost: see ErrorNote.
 */
import { locale, messages, t, type Message, type Params } from '$lib/i18n.svelte';
import type { Problem } from '$lib/problem';
import { problemWords, statusWords } from './messages';

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
  budgetThb: { th: 'งบห้าปี', en: 'budget of five years' },
  yearlyThb: { th: 'งบต่อปี', en: 'budget a year' },
  username: { th: 'ชื่อผู้ใช้', en: 'user name' },
  password: { th: 'รหัสผ่าน', en: 'password' },
});

const words = messages({
  step: { th: '{kind}อยู่ในสถานะ “{status}” จึงเปลี่ยนเป็น “{step}” ไม่ได้', en: '{kind} is “{status}” and cannot become “{step}”' },
  allowed: { th: 'ขณะนี้ทำได้: {steps}', en: 'Possible now: {steps}' },
  noneAllowed: { th: 'ไม่มีขั้นตอนถัดไป', en: 'There are no further steps' },
  bound: { th: 'ยังมีหน่วยปฏิบัติภารกิจอยู่ {n} หน่วย ให้บันทึกเสร็จภารกิจหรือยกเลิกการมอบหมายก่อน', en: '{n} units are still bound; clear or cancel their assignments first' },
  unitBusy: { th: '{unit} อยู่ในสถานะ “{status}” จึงไม่ว่าง เลือกหน่วยอื่น', en: '{unit} is “{status}”, not available; choose another' },
  unitBound: { th: '{unit} อยู่ในสถานะ “{status}” ให้จบการมอบหมายก่อน', en: '{unit} is “{status}”; end its assignment first' },
  notOpen: { th: 'เหตุอยู่ในสถานะ “{status}” จึงมอบหมายหน่วยไม่ได้', en: 'The incident is “{status}”; units cannot be assigned' },
  known: { th: 'การแจ้งเตือนนี้อยู่ในสถานะ “{status}” มีผู้รับทราบแล้ว', en: 'The alert is “{status}”; it was acknowledged already' },
  knownBy: { th: 'การแจ้งเตือนนี้อยู่ในสถานะ “{status}” {who} รับทราบแล้ว', en: 'The alert is “{status}”; {who} acknowledged it already' },
  alertIs: { th: 'การแจ้งเตือนนี้อยู่ในสถานะ “{status}”', en: 'The alert is “{status}”' },
  closedBy: { th: '{who} ปิดการแจ้งเตือนนี้ไปแล้ว', en: '{who} closed the alert already' },
  crowd: { th: 'มีผู้แก้ไขรายการนี้พร้อมกันหลายคน ยังไม่มีการบันทึก โปรดลองอีกครั้ง', en: 'Too many people changed this at once; nothing was written. Try again' },
  missing: { th: 'โปรดกรอก{field}', en: 'Fill in: {field}' },
  long: { th: '{field}ยาวเกิน {n} ตัวอักษร หรือมีอักขระที่ใช้ไม่ได้', en: '{field}: at most {n} characters, without control characters' },
  range: { th: '{field}ต้องเป็นตัวเลขตั้งแต่ {low} ถึง {high}', en: '{field} is a number from {low} to {high}' },
  oneDrill: { th: 'ท่านมีการฝึกที่ยังไม่จบอยู่หนึ่งรายการ จบหรือยุติรายการนั้นก่อน', en: 'You have a drill running already; finish or abort it first' },
  drills: { th: 'มีการฝึกอยู่ {n} รายการแล้ว โปรดรอให้จบก่อน', en: '{n} drills are running; wait until one is finished' },
  drillIs: { th: 'การฝึกนี้อยู่ในสถานะ “{status}” แล้ว', en: 'This drill is “{status}” already' },
  before: { th: 'ต้องทำขั้นก่อนหน้าให้เสร็จก่อน', en: 'An earlier step comes first' },
  finish: { th: 'จบการฝึกและรับคะแนนก่อน จึงจะบันทึกขั้นนี้ได้', en: 'Finish the drill first; it is not scored yet' },
  noPlan: { th: 'ไม่มีชุดมาตรการใดอยู่ในงบนี้ได้ตามเงื่อนไข ลองเพิ่มงบหรือลดมาตรการบังคับ', en: 'No plan keeps the budget and the conditions; raise the budget or demand fewer measures' },
  wait: { th: 'ลองเข้าสู่ระบบผิดหลายครั้ง โปรดรอ {n} วินาทีแล้วลองใหม่', en: 'Too many failed sign-ins; try again in {n} s' },
  runs: { th: 'แหล่งข้อมูลนี้ทำงานอยู่แล้ว', en: 'The feed runs already' },
  noRoads: { th: 'ยังไม่มีโครงข่ายถนนและเขตที่มีประชากร โปรดนำเข้าชุดข้อมูลเมืองก่อน', en: 'There are no roads and districts yet; load a city pack first' },
  field: { th: '{text} (ช่อง: {field})', en: '{text} (field: {field})' },
});
const kinds: Record<string, Message> = messages({
  alert: { th: 'การแจ้งเตือน', en: 'The alert' },
  incident: { th: 'เหตุ', en: 'The incident' },
  assignment: { th: 'การมอบหมาย', en: 'The assignment' },
});

const state = (code: string): string => {
  const word = Object.hasOwn(statusWords, code) ? (statusWords as Record<string, Message>)[code] : undefined;
  return word ? t(word) : code;
};
const field = (name: string): string => {
  const word = Object.hasOwn(fieldWords, name) ? fieldWords[name] : undefined;
  return word ? t(word) : '';
};
type Say = (...found: string[]) => [Message, Params] | null;
/** The platform's sentence → ours. A sentence that is not here falls back to kind and field. */
const SENTENCES: readonly [RegExp, Say][] = [
  [/^An? (\w+) that is (\w+) cannot become (\w+)/, (kind, was, step) => [words.step, { kind: kinds[kind!] ? t(kinds[kind!]!) : kind!, status: state(was!), step: state(step!) }]],
  [/^(\d+) units? (?:is|are) still bound/, (n) => [words.bound, { n: n! }]],
  [/^(.+) is (\w+), not available$/, (unit, status) => [words.unitBusy, { unit: unit!, status: state(status!) }]],
  [/^(.+) is (\w+); end its assignment first$/, (unit, status) => [words.unitBound, { unit: unit!, status: state(status!) }]],
  [/^The incident is (\w+); units are assigned/, (status) => [words.notOpen, { status: state(status!) }]],
  [/^The alert is (\w+) and was acknowledged already by (.+)$/, (status, who) => [words.knownBy, { status: state(status!), who: who! }]],
  [/^The alert is (\w+) and was acknowledged already/, (status) => [words.known, { status: state(status!) }]],
  [/^The alert is (\w+)$/, (status) => [words.alertIs, { status: state(status!) }]],
  [/^The alert was closed already by (.+)$/, (who) => [words.closedBy, { who: who! }]],
  [/^Too many people changed this at once/, () => [words.crowd, {}]],
  [/^(\w+) is missing/, (name) => (field(name!) ? [words.missing, { field: field(name!) }] : null)],
  [/^(\w+) must be at most (\d+) characters/, (name, n) => (field(name!) ? [words.long, { field: field(name!), n: n! }] : null)],
  [/^(\w+) (?:must be a|is a whole) number from (\S+) to (\S+)$/, (name, low, high) => (field(name!) ? [words.range, { field: field(name!), low: low!, high: high! }] : null)],
  [/^You have a drill running already/, () => [words.oneDrill, {}]],
  [/^(\d+) drills are running/, (n) => [words.drills, { n: n! }]],
  [/^This drill is (\w+) already$/, (status) => [words.drillIs, { status: state(status!) }]],
  [/^Step .+ comes first$/, () => [words.before, {}]],
  [/^Finish the drill first/, () => [words.finish, {}]],
  [/^No plan keeps the budget/, () => [words.noPlan, {}]],
  [/^Too many fail\D+(\d+) s$/, (n) => [words.wait, { n: n! }]],
  [/^The feed .+ runs already$/, () => [words.runs, {}]],
  [/^The assessment needs road segments/, () => [words.noRoads, {}]],
];

/** What to say to the reader. English readers get the platform's own sentence, which is the most exact. */
export function problemText(problem: Problem): string {
  if (locale.lang === 'en' && problem.detail !== '' && problem.reason !== 'server') return problem.detail;
  for (const [pattern, say] of SENTENCES) {
    const match = pattern.exec(problem.detail);
    const found = match && say(...match.slice(1));
    if (found) return [t(found[0], found[1]), allowedText(problem)].filter(Boolean).join(' · ');
  }
  const base = t(problemWords[problem.reason]);
  const name = typeof problem.extra['field'] === 'string' ? field(problem.extra['field']) : '';
  const text = name ? t(words.field, { text: base, field: name }) : base;
  return [text, allowedText(problem)].filter(Boolean).join(' · ');
}

/** True where `problemText` is not the platform's own sentence, so that this can be shown beside it. */
export const isTranslated = (problem: Problem): boolean => problem.detail !== '' && problemText(problem) !== problem.detail;

function allowedText(problem: Problem): string {
  const allowed = problem.extra['allowed'];
  if (!Array.isArray(allowed)) return '';
  return allowed.length === 0 ? t(words.noneAllowed) : t(words.allowed, { steps: allowed.map((code) => state(String(code))).join(', ') });
}
