/** Laws of what an alert says of its values: the latest one with its time, and the one that it was raised for. */
import { afterEach, describe, expect, it } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { crossedText } from './crossed';

const NOW = Date.parse('2026-11-30T21:14:00Z');
const row = (value: number, observedAt = '2026-11-30T21:13:00Z') => ({ attribute: 'precipitation24h', op: '>=', threshold: 35.1, value, observedAt });
const alert = (data: unknown, firstData?: unknown): LiveEntity => ({ id: 'urn:ngsi-ld:Alert:1', type: 'Alert', types: ['Alert'], a: { data, firstData } });
afterEach(() => {
  locale.lang = 'th';
});

describe('the values of an alert', () => {
  it.each([
    ['unchanged', alert([row(51.8)], [row(51.8)]), 'ปริมาณฝน 24 ชั่วโมง 51.8 มม. (เกณฑ์ 35.1 มม.)'],
    ['of a release before', alert([row(51.8)]), 'ปริมาณฝน 24 ชั่วโมง 51.8 มม. (เกณฑ์ 35.1 มม.)'],
    ['changed', alert([row(51.2)], [row(51.8)]), 'ปริมาณฝน 24 ชั่วโมง ล่าสุด 51.2 มม. (04:13 น.) เมื่อแจ้ง 51.8 มม. (เกณฑ์ 35.1 มม.)'],
    ['old', alert([row(51.8, '2026-11-30T20:50:00Z')], [row(51.8)]), 'ปริมาณฝน 24 ชั่วโมง 51.8 มม. เมื่อ 03:50 น. (เกณฑ์ 35.1 มม.)'],
  ])('%s', (_name, entity, text) => {
    expect(crossedText(entity, NOW)).toBe(text);
  });
  it('say the same in English', () => {
    locale.lang = 'en';
    expect(crossedText(alert([row(51.2)], [row(51.8)]), NOW)).toContain('latest 51.2 mm (04:13), 51.8 mm when raised (limit 35.1 mm)');
  });
});
