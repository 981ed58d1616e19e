import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  entryCreated: { th: 'เปิดเหตุ', en: 'Incident opened' },
  entryStep: { th: 'สถานะเหตุ: {status}', en: 'Incident state: {status}' },
  entryFollows: { th: 'สถานะเหตุเปลี่ยนเป็น {status} ตามหน่วยปฏิบัติการ', en: 'Incident became {status}, following its units' },
  entryUnit: { th: '{unit}: {status}', en: '{unit}: {status}' },
});

/** The same steps as buttons: what a person does. */
export const stepWords = messages({
  triaged: { th: 'ประเมินเหตุแล้ว', en: 'Mark triaged' },
  reopened: { th: 'เปิดเหตุอีกครั้ง', en: 'Reopen' },
  dispatched: { th: 'สั่งการ', en: 'Mark dispatched' },
  onScene: { th: 'ถึงที่เกิดเหตุ', en: 'On scene' },
  controlled: { th: 'ควบคุมเหตุได้แล้ว', en: 'Under control' },
  closed: { th: 'ปิดเหตุ', en: 'Close incident' },
  cancelled: { th: 'ยกเลิก', en: 'Cancel' },
  enRoute: { th: 'ออกเดินทาง', en: 'En route' },
  clear: { th: 'เสร็จภารกิจ', en: 'Clear' },
});
