/** Made from HAPPENINGS in src/andaman/command/core/entries.py by `make generated`. Do not edit. */
import type { ProblemWords } from './problems';

export const timeline: Readonly<Record<string, ProblemWords>> = {
  "incident-opened": {"th": "เปิดเหตุ: {name}", "en": "Incident opened: {name}", "params": {"name": "name"}},
  "incident-step": {"th": "สถานะเหตุ: {state}", "en": "Incident state: {state}", "params": {"state": "state"}},
  "incident-followed": {"th": "สถานะเหตุเปลี่ยนเป็น {state} ตามหน่วยปฏิบัติการ", "en": "Incident became {state}, following its units", "params": {"state": "state"}},
  "incident-corrected": {"th": "แก้ไข{field} จาก “{old}” เป็น “{new}”", "en": "Corrected the {field} from “{old}” to “{new}”", "params": {"field": "field", "old": "name", "new": "name"}},
  "unit-step": {"th": "{unit}: {state}", "en": "{unit}: {state}", "params": {"unit": "name", "state": "state"}},
  "unit-arrived-afar": {"th": "{unit}: {state} (ตำแหน่งล่าสุดของหน่วยห่างจากจุดเกิดเหตุ {distance} ม.)", "en": "{unit}: {state} (its last position was {distance} m from the place)", "params": {"unit": "name", "state": "state", "distance": "number"}},
  "item-checked": {"th": "ตรวจแล้ว: {item}", "en": "Checked: {item}", "params": {"item": "name"}},
  "item-unchecked": {"th": "ยกเลิกการตรวจ: {item}", "en": "Check taken back: {item}", "params": {"item": "name"}},
  "handed-over": {"th": "ส่งต่อให้ผู้สั่งการ", "en": "Handed over to a dispatcher", "params": {}},
  "handover-seen": {"th": "ผู้สั่งการรับทราบการส่งต่อ", "en": "A dispatcher has seen the hand-over", "params": {}},
};
