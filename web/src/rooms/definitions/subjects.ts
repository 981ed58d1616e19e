/** Permissions by their subject, in the order in which people look for them. */
import { messages, t } from '$lib/i18n.svelte';

const words = messages({
  emergencies: { th: 'การแจ้งเตือน เหตุ และหน่วย', en: 'Alerts, incidents and units' },
  rules: { th: 'กฎ ทะเบียน บทบาท และการอนุมัติ', en: 'Rules, registers, roles and approvals' },
  data: { th: 'ข้อมูลและการเชื่อมต่อ', en: 'Data and feeds' },
  plans: { th: 'การวิเคราะห์และแผน', en: 'Analyses and plans' },
  people: { th: 'บุคลากรและการฝึก', en: 'Staff and training' },
  security: { th: 'การเข้าใช้ระบบและการตรวจสอบ', en: 'Sign-in and audit' },
  others: { th: 'อื่น ๆ', en: 'Others' },
});
const SUBJECTS: readonly (readonly [keyof typeof words, readonly string[]])[] = [
  ['emergencies', ['alert', 'incident', 'assignment', 'unit']],
  ['rules', ['rule', 'register', 'definition', 'proposal', 'config', 'role']],
  ['data', ['dataset', 'source', 'feed', 'letter', 'context', 'statistic', 'metrics', 'change']],
  ['plans', ['indicator', 'coverage', 'site', 'measure', 'portfolio', 'programme', 'roadmap']],
  ['people', ['staff', 'course', 'drill', 'training']],
  ['security', ['agency', 'audit', 'sign-in', 'account', 'token']],
];

interface Choice {
  value: string;
  label: string;
}

/** One group without a title where the choices have no subjects. */
export function grouped<C extends Choice>(choices: readonly C[]): { title: string; choices: C[] }[] {
  if (!choices.some((one) => one.value.includes('.'))) return [{ title: '', choices: [...choices] }];
  const subject = (one: C) => SUBJECTS.find(([, names]) => names.includes(one.value.split('.')[0]!))?.[0] ?? 'others';
  const found = [...SUBJECTS.map(([name]) => name), 'others' as const].map((name) => ({ title: t(words[name]), choices: choices.filter((one) => subject(one) === name) }));
  return found.filter((group) => group.choices.length > 0);
}
