import { afterEach, expect, it } from 'vitest';
import { dayOf } from './day';
import { date, dateLong } from './format';
import { locale } from './i18n.svelte';

afterEach(() => {
  locale.lang = 'th';
});
it('a day is understood in both eras, with Thai digits and names of months', () => {
  for (const said of ['29/3/2567', '29-03-2567', '๒๙/๓/๒๕๖๗', '29 มี.ค. 2567', '29 มีนาคม พ.ศ. 2567', '29 Mar 2024', '29 march 2024', '2024-03-29', ' 29.3.2024 ']) expect(dayOf(said), said).toBe('2024-03-29');
});
it('what is no day is none', () => {
  for (const said of ['', '31/4/2567', '29/2/2566', '29/3', '29/3/67', '3/29/2024', '0/1/2567', 'พรุ่งนี้', '12 2567', '29 มี 2567']) expect(dayOf(said), said).toBe('');
});
it.each(['th', 'en'] as const)('what the screen shows in %s is understood again', (lang) => {
  locale.lang = lang;
  for (let at = 0; at < 366; at += 1) {
    const day = new Date(Date.UTC(2024, 0, 1 + at)).toISOString().slice(0, 10);
    expect([dayOf(date(day)), dayOf(dateLong(day))]).toEqual([day, day]);
  }
});
