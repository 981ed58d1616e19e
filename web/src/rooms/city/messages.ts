import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  title: { th: 'ทะเบียนข้อมูลหลัก', en: 'Registers' },
  about: { th: 'รายการที่เมืองกำหนดเอง การแก้ไขมีผลทันทีและบันทึกไว้ในประวัติ', en: 'Lists that the city edits. A change is in force at once, and history keeps it.' },
  count: { th: '{n} รายการ', en: '{n} rows' },
  setAside: { th: 'อ่านไม่ได้ จึงไม่ใช้งาน', en: 'Not readable, so not in use' },
  create: { th: 'เพิ่มรายการใหม่', en: 'Create a row' },
  delete: { th: 'ลบรายการนี้', en: 'Delete this row' },
  sure: { th: 'ยืนยันการลบ', en: 'Delete it' },
  add: { th: 'เพิ่ม', en: 'Add' },
  remove: { th: 'นำออก', en: 'Remove' },
  up: { th: 'เลื่อนขึ้น', en: 'Move up' },
  thai: { th: 'ภาษาไทย', en: 'Thai' },
  english: { th: 'ภาษาอังกฤษ', en: 'English' },
  numbered: { th: '{name} ลำดับที่ {n}', en: '{name} {n}' },
  choose: { th: '– เลือก –', en: '– choose –' },
});
