/** Days as people type them: 29/3/2567, 29 มี.ค. 2567, 29 March 2024; a year from 2400 on is of the Buddhist era. */
import { arabic } from './number';

const BUDDHIST_FROM = 2400;
const MONTHS = new Map<string, number>();
for (const tag of ['th', 'en-GB'])
  for (const month of ['short', 'long'] as const) {
    const names = new Intl.DateTimeFormat(tag, { month, timeZone: 'UTC' });
    for (let at = 0; at < 12; at += 1) MONTHS.set(plain(names.format(Date.UTC(2026, at, 1))), at + 1);
  }
function plain(name: string): string {
  return name.toLowerCase().replace(/[.\s]/g, '');
}

/** YYYY-MM-DD of the common era; empty for a text that is no day. */
export function dayOf(text: string): string {
  const said = arabic(text).trim().replace(/พ\.ศ\.|ค\.ศ\./, ' ');
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(said);
  if (iso) return checked(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const found = /^(\d{1,2})[\s/.-]*(?:(\d{1,2})[\s/.-]+|(\D+?)\s*)(\d{4})$/.exec(said);
  if (!found) return '';
  return checked(Number(found[4]), found[2] ? Number(found[2]) : (MONTHS.get(plain(found[3]!)) ?? 0), Number(found[1]));
}

function checked(year: number, month: number, day: number): string {
  const common = year >= BUDDHIST_FROM ? year - 543 : year;
  const made = new Date(Date.UTC(common, month - 1, day));
  // 31 April is no day, though the calendar of the browser goes on to 1 May.
  return common >= 1000 && made.getUTCMonth() === month - 1 && made.getUTCDate() === day ? made.toISOString().slice(0, 10) : '';
}
