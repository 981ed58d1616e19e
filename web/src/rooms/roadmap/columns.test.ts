import { expect, test } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import { planColumns } from './columns';
import type { Chosen } from './types';

const row: Chosen = { id: 'cctv', name: { th: 'กล้อง', en: 'Cameras' }, agency: 'pao', startYear: 2028, worksFrom: 2029, costInProgrammeMthb: 40.7, addsMthb: 12 };

test.each([
  ['th', '2571', '2572', 'ล้านบาท'],
  ['en', '2028', '2029', 'million baht'],
] as const)('the file of a plan in %s has the years and shares of the page, and money with its unit in the heading', (lang, starts, works, unit) => {
  locale.lang = lang;
  const columns = new Map(planColumns(new Map(), { cctv: 0.77 }, () => '77%').map((one) => [one.id, one]));
  for (const [id, shown] of [['start', starts], ['works', works], ['chosen', '77%']] as const) {
    expect(columns.get(id)?.raw?.(row)).toBe(shown);
    expect(columns.get(id)?.text(row)).toBe(shown);
  }
  for (const id of ['spent', 'adds']) expect(columns.get(id)?.label).toContain(unit);
  expect(columns.get('spent')?.sort?.(row)).toBe(40.7);
});
