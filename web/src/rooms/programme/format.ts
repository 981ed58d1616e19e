/** Shares, changes and quarters as people read them. */
import { date, num, percent, year as yearText } from '$lib/format';
import { t, type Message } from '$lib/i18n.svelte';
import { msg } from './messages';
import type { Report, Status } from './types';

/** Whole percents; 100 only where nothing is missing. */
export const shareText = (share: number | null): string => (share === null ? t(msg.notShown) : percent(share < 1 ? Math.min(share, 0.99) : 1, 0));

/** Percentage points with their sign. */
export const changeText = (change: number | null): string => {
  if (change === null) return '–';
  if (Math.abs(change) < 0.00005) return '±0';
  return `${change > 0 ? '+' : '−'}${num(Math.abs(change) * 100, 1)}`;
};

/** Of the Thai fiscal year, which begins in October. `year`: common era. */
export const quarterText = (year: number, quarter: number): string => t(msg.quarter, { q: quarter, year: yearText(year) });

/** "2/2027": the second report of that fiscal year. */
export const reportNumber = (number: string): string => {
  const [n = '', year = ''] = number.split('/');
  return `${n}/${yearText(Number(year))}`;
};

/** A report of a quarter that had not ended says so, with the day of its data. */
export const releaseName = (one: { number: string; interim: boolean; asOf: string }): string => t(one.interim ? msg.interimNumber : msg.number, { n: reportNumber(one.number), date: date(one.asOf) });

export function reportTitle({ quarter, time }: Report): string {
  const name = quarterText(quarter.year, quarter.quarter);
  return quarter.running ? t(msg.interim, { quarter: name, date: date(time) }) : name;
}

/** One second before the first instant after the quarter. */
export const lastDay = ({ quarter }: Report): string => new Date(new Date(quarter.to).getTime() - 1000).toISOString();

export const statusWords: Record<Status, Message> = {
  done: msg.done,
  accepted: msg.acceptedState,
  late: msg.late,
  'under-way': msg.underWay,
  installed: msg.installedState,
  'not-begun': msg.notBegun,
};
export const statusTones: Record<Status, 'good' | 'bad' | 'plain'> = { done: 'good', accepted: 'good', late: 'bad', 'under-way': 'plain', installed: 'plain', 'not-begun': 'plain' };
export const statusSigns: Record<Status, string> = { done: '✓', accepted: '✓', late: '!', 'under-way': '→', installed: '○', 'not-begun': '○' };
