import { messages } from '$lib/i18n.svelte';

/** Steps of incidents and assignments as buttons: what a person does. */
export const stepWords = messages({
  triaged: { th: 'ประเมินเหตุแล้ว', en: 'Mark triaged' },
  reopened: { th: 'เปิดเหตุอีกครั้ง', en: 'Reopen' },
  onScene: { th: 'ถึงที่เกิดเหตุ', en: 'On scene' },
  controlled: { th: 'ควบคุมเหตุได้แล้ว', en: 'Under control' },
  closed: { th: 'ปิดเหตุ', en: 'Close incident' },
  cancelled: { th: 'ยกเลิกเหตุ', en: 'Cancel incident' },
  recalled: { th: 'เรียกหน่วยกลับ', en: 'Recall unit' },
  enRoute: { th: 'ออกเดินทาง', en: 'En route' },
  clear: { th: 'เสร็จภารกิจ', en: 'Clear' },
});

/** State of an assignment whose unit was called back. */
export const recalledWord = messages({ state: { th: 'เรียกกลับแล้ว', en: 'Recalled' } });
