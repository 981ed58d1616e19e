import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  free: { th: 'ว่าง', en: 'Free' },
  busy: { th: 'ปฏิบัติงาน', en: 'Busy' },
  countsLong: { th: 'หน่วยว่าง {free} หน่วย กำลังปฏิบัติงาน {busy} หน่วย', en: '{free} units are free, {busy} are busy' },
  assignments: { th: 'หน่วยที่ได้รับมอบหมาย', en: 'Units assigned' },
  noAssignments: { th: 'ยังไม่ได้มอบหมายหน่วย', en: 'No unit assigned yet' },
  nearest: { th: 'หน่วยว่างที่ใกล้ที่สุด', en: 'Nearest free units' },
  nearestNone: { th: 'ไม่มีหน่วยว่างประเภทนี้', en: 'No free unit of this kind' },
  unitKind: { th: 'ประเภทหน่วย', en: 'Kind of unit' },
  anyKind: { th: 'ที่แนะนำสำหรับเหตุนี้', en: 'Recommended for this incident' },
  assign: { th: 'มอบหมายหน่วย', en: 'Assign' },
  eta: { th: 'ถึงในอีก {time}', en: 'ETA {time}' },
  whyNearest: { th: 'ถึงเร็วที่สุดในหน่วยที่ว่าง', en: 'Fastest to arrive of the free units' },
  whyLater: { th: 'ช้ากว่าหน่วยที่เร็วที่สุด {time}', en: '{time} later than the fastest' },
});
