/** Values, periods and targets of indicators in words. */
import { date, num, withUnit, year } from '$lib/format';
import { locale, nameText, t } from '$lib/i18n.svelte';
import { msg } from './messages';
import type { Indicator } from './types';

/** "2019-2022" → "2562–2565" in Thai; "2026-11-30" → "as of 30 Nov 2026". */
export function periodText(period: string | null): string {
  if (!period) return '–';
  return period
    .split(', ')
    .map((part) => (/^\d{4}-\d{2}-\d{2}$/.test(part) ? t(msg.asOf, { date: date(part) }) : part.replace(/\d{4}/g, (y) => year(Number(y))).replace('-', '–')))
    .join(', ');
}

/** A value with its unit; a change says its direction. */
export function valueText(row: Indicator, value: number | null): string {
  if (value === null) return '–';
  if (row.form === 'change') return t(value < 0 ? msg.lower : msg.higher, { n: num(Math.abs(value), row.digits) });
  const unit = nameText(row.unit);
  const amount = num(value, row.digits);
  if (locale.lang === 'th' && unit.startsWith('ร้อยละ')) return `ร้อยละ ${amount} ${unit.slice(6).trim()}`.trim();
  return locale.lang === 'en' && unit.startsWith('percent') ? `${amount}%${unit.slice(7)}` : withUnit(amount, unit);
}

/** "at most 12 by 2027": the target with its direction. */
export function targetText(row: Indicator): string {
  if (!row.target) return '–';
  return t(row.direction === '-' ? msg.atMost : msg.atLeast, { n: num(row.target.value, row.digits), year: year(row.target.year) });
}

/** How far the value is beyond the limit or short of the target; empty where it is met or there is no target. */
export function gapText(row: Indicator): string {
  const gap = row.benchmark?.gapPercent;
  if (!row.benchmark || row.benchmark.met !== false || gap === null || gap === undefined) return '';
  return t(gap > 0 ? msg.over : msg.short, { n: num(Math.abs(gap), 0) });
}

/** Distance to the target as a number to sort by, the farthest first; those without a target come last. */
export const distanceOf = (row: Indicator): number => (!row.benchmark || row.benchmark.gapPercent === null ? -1 : row.benchmark.met !== false ? 0 : Math.abs(row.benchmark.gapPercent));

export function metText(row: Indicator): string {
  if (!row.benchmark || !row.target) return '';
  if (row.benchmark.met === null) return t(msg.undecided);
  const own = row.target.kind === 'declared';
  return t(row.benchmark.met ? (own ? msg.ownMet : msg.met) : own ? msg.ownNotMet : msg.notMet);
}
