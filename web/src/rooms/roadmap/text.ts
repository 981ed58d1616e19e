/** Money and spreads as this room writes them. */
import { num } from '$lib/format';
import { t } from '$lib/i18n.svelte';
import { msg } from './messages';
import type { Spread } from './types';

const digits = (n: number): number => (Math.abs(n) < 10 ? 1 : 0);

/** 12.3 → 12 ล้านบาท; unknown is a dash. */
export const million = (n: number | null | undefined): string => (n === null || n === undefined ? '–' : t(msg.million, { n: num(n, digits(n)) }));

/** A difference: +12 ล้านบาท, −3 ล้านบาท. */
export const signed = (n: number): string => `${Math.abs(n) < 0.05 ? '±' : n > 0 ? '+' : '−'}${million(Math.abs(n))}`;

/** A budget as it was asked for, never rounded. */
export const budget = (n: number): string => t(msg.million, { n: num(n, 6) });

/** 5th to 95th percentile, in million baht: figures with a false precision are worse than none. */
export const millions = (s: Spread | null | undefined): string =>
  s ? t(msg.million, { n: t(msg.span, { low: num(s.p5, digits(s.p5)), high: num(s.p95, digits(s.p95)) }) }) : '–';

export const ratios = (s: Spread | null | undefined): string => (s ? t(msg.span, { low: num(s.p5, 1), high: num(s.p95, 1) }) : '–');
