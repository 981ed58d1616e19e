/** Licences in the reader's language: their names stay, the words around them are translated. */
import { messages, t } from '$lib/i18n.svelte';

const licenceWords = messages({
  notPublished: { th: 'ไม่เผยแพร่', en: 'Not for publication' },
  government: { th: 'ข้อมูลเปิดภาครัฐ', en: 'Thai open government data' },
  outlines: { th: '(แนวเขต)', en: '(outlines)' },
  population: { th: '(ประชากร)', en: '(population)' },
  contributors: { th: '© ผู้ร่วมสร้าง OpenStreetMap', en: '© OpenStreetMap contributors' },
  collection: { th: 'ข้อเท็จจริง; ชุดรวบรวมใช้สัญญา MIT', en: 'Facts; collection MIT' },
  facts: { th: 'ข้อเท็จจริงสาธารณะ', en: 'Public facts' },
});
/** A licence as people read it. */
export const licenceText = (said: string): string => Object.values(licenceWords).reduce((text, one) => text.replaceAll(one.en, t(one)), said);
