/** Made from HAPPENINGS in src/andaman/command/core/entries.py by `make generated`. Do not edit. */
import type { ProblemWords } from './problems';

export const timeline: Readonly<Record<string, ProblemWords>> = {
  "incident-opened": {"th": "เปิดเหตุ: {name}", "en": "Incident opened: {name}", "params": {"name": "name"}},
  "incident-step": {"th": "สถานะเหตุ: {state}", "en": "Incident state: {state}", "params": {"state": "state"}},
  "incident-followed": {"th": "สถานะเหตุเปลี่ยนเป็น {state} ตามหน่วยปฏิบัติการ", "en": "Incident became {state}, following its units", "params": {"state": "state"}},
  "unit-step": {"th": "{unit}: {state}", "en": "{unit}: {state}", "params": {"unit": "name", "state": "state"}},
  "item-checked": {"th": "ตรวจแล้ว: {item}", "en": "Checked: {item}", "params": {"item": "name"}},
};
