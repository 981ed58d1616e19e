import { expect, test } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import { budget, signed } from './text';

test.each([
  [600.55, '600.55 ล้านบาท'],
  [0, '0 ล้านบาท'],
  [1200, '1,200 ล้านบาท'],
])('a budget of %s is shown as it was asked for', (asked, shown) => {
  locale.lang = 'th';
  expect(budget(asked)).toBe(shown);
});

test.each([
  [231.4, '+231 ล้านบาท'],
  [-28.2, '−28 ล้านบาท'],
  [-0.01, '±0 ล้านบาท'],
])('a difference of %s has its sign', (difference, shown) => {
  locale.lang = 'th';
  expect(signed(difference)).toBe(shown);
});
