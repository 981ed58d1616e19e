import { messages } from '$lib/i18n.svelte';

export const msg = messages({
  title: { th: 'ข้อมูลเมือง', en: 'City data' },
  intro: {
    th: 'ชุดข้อมูลในบัญชีข้อมูล แหล่งข้อมูล และข้อความที่อ่านไม่ได้',
    en: 'Datasets of the catalogue, live feeds, and unreadable messages',
  },
  datasets: { th: 'บัญชีชุดข้อมูล', en: 'Catalogue of datasets' },
  records: { th: 'รายการ', en: 'Records' },
  completeness: { th: 'ความครบถ้วน', en: 'Completeness' },
  timeliness: { th: 'ความทันเวลา', en: 'Timeliness' },
  lastObserved: { th: 'ข้อมูลล่าสุด', en: 'Last observation' },
  licence: { th: 'สัญญาอนุญาต', en: 'Licence' },
  notReadable: { th: 'ไม่มีสิทธิอ่าน', en: 'not for your role' },
  insufficient: { th: 'ข้อมูลไม่เพียงพอ', en: 'insufficient data' },
});
