import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  attributes: { th: 'ข้อมูล', en: 'Values' },
  chartOf: { th: 'ย้อนหลัง', en: 'History' },
  noHistory: { th: 'ยังไม่มีประวัติในช่วงเวลานี้', en: 'No history in this period' },
  changes: { th: 'บันทึกการเปลี่ยนแปลง (ใคร เมื่อใด อะไร)', en: 'Changes: who, when, what' },
  changeCreated: { th: 'สร้างรายการ', en: 'Created' },
  changeDeleted: { th: 'ลบรายการ', en: 'Deleted' },
  changePast: { th: 'แก้ไขข้อมูลย้อนหลัง', en: 'History corrected' },
  changeMoved: { th: 'ย้ายตำแหน่ง', en: 'moved' },
  changeSame: { th: 'รายงานซ้ำ ค่าไม่เปลี่ยน', en: 'Reported again, values unchanged' },
  changeEntry: { th: 'เพิ่มบันทึกในลำดับเหตุการณ์', en: 'A line was added to the timeline' },
  changeInner: { th: 'ปรับค่าภายในของระบบ', en: 'Inner counters of the platform changed' },
  changeTo: { th: 'เปลี่ยนเป็น', en: 'became' },
  changeNone: { th: 'ไม่มีการเปลี่ยนแปลงในช่วงที่ค้นหา', en: 'No changes found' },
  changeMore: { th: 'แสดงรายการก่อนหน้า', en: 'Show earlier ones' },
  technical: { th: 'ข้อมูลทางเทคนิค', en: 'Technical details' },
  showOnMap: { th: 'แสดงบนแผนที่', en: 'Show on the map' },
  noPlace: { th: 'ไม่ระบุสถานที่', en: 'place not known' },
  times: { th: '{n} ครั้ง', en: '{n} times' },
});

export const areaWords = messages({
  tambon: { th: 'ต.{name}', en: '{name}' },
  amphoe: { th: 'อ.{name}', en: '{name} District' },
  outside: { th: 'นอกพื้นที่ที่ระบบรู้จัก', en: 'outside the known area' },
  sea: { th: 'นอกเขตการปกครอง (ทะเล)', en: 'outside the districts (sea)' },
});

/** A text that is only in this language. */
export const languageWords = messages({
  th: { th: 'ภาษาไทย', en: 'in Thai' },
  en: { th: 'ภาษาอังกฤษ', en: 'in English' },
});
