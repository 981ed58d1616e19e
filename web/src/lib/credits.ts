/** Credits that a licence asks for wherever a map is shown, in the reader's language. The licence's own name stays. */
import { api } from './api';
import { half, messages, t, type Message } from './i18n.svelte';

const words = messages({
  outlines: { th: 'แนวเขต: กรมแผนที่ทหาร / HDX COD-AB (CC BY-IGO)', en: 'Outlines: Royal Thai Survey Department / HDX COD-AB (CC BY-IGO)' },
  osm: { th: '© ผู้ร่วมสร้าง OpenStreetMap (ODbL 1.0)', en: '© OpenStreetMap contributors (ODbL 1.0)' },
  tide: { th: 'น้ำขึ้นน้ำลง: TICON-4 (CC BY 4.0), doi:10.17882/109129', en: 'Tides: TICON-4 (CC BY 4.0), doi:10.17882/109129' },
});
const KNOWN: readonly [part: string, word: Message][] = [
  ['HDX COD-AB', words.outlines],
  ['OpenStreetMap', words.osm],
  ['TICON-4', words.tide],
];

/** One line of credits; an unknown one is shown as the city's pack gives it. */
export function creditText(said: unknown, wanted: (line: string) => boolean = () => true): string {
  const lines = typeof said === 'string' ? [said] : Array.isArray(said) ? said.map(String) : [];
  return lines
    .filter(wanted)
    .map((line) => {
      const known = KNOWN.find(([part]) => line.includes(part));
      return known ? t(known[1]) : line;
    })
    .join(' · ');
}

/** A source in the reader's language if it has two languages or is one of the credits above. */
export const sourceText = (said: string): string => (said.startsWith('© OpenStreetMap') ? t(words.osm) : half(said));

let asked: Promise<unknown> | null = null;
/** What `/api/city` says of attribution; asked once. */
export function cityCredits(): Promise<unknown> {
  asked ??= api
    .get<{ attribution?: unknown }>('/api/city')
    .then((city) => city.attribution)
    .catch(() => {
      asked = null;
      return '';
    });
  return asked;
}
