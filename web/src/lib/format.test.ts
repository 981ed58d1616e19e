import { beforeAll, describe, expect, it } from 'vitest';
import * as f from './format';
import { locale } from './i18n.svelte';

const at = '2026-11-22T18:30:00Z'; // 01:30 on the 23rd in Bangkok
describe('format', () => {
  beforeAll(() => {
    (globalThis as { document?: unknown }).document ??= { documentElement: { lang: '' } };
  });
  it('Thai: Buddhist era, Bangkok day, Arabic digits', () => {
    locale.set('th', false);
    expect(f.date(at)).toBe('23 พ.ย. 2569');
    expect(f.time(at)).toBe('01:30');
    expect(f.year(2026)).toBe('2569');
    expect(f.num(1234.56)).toBe('1,234.6');
    expect(f.age(at, Date.parse(at) + 3 * 60_000)).toBe('3 นาทีที่แล้ว');
    expect(f.unit('KMH')).toBe('กม./ชม.');
    expect([95, 600, 125 * 60].map(f.duration)).toEqual(['1 นาที 35 วินาที', '10 นาที', '2 ชม. 5 นาที']);
    expect(f.withUnit('-26.6', 'ร้อยละ')).toBe('ลดลงร้อยละ 26.6');
    expect(f.withUnit('79.8', 'ร้อยละของพื้นที่')).toBe('ร้อยละ 79.8 ของพื้นที่');
  });
  it('English: common era, Bangkok day', () => {
    locale.set('en', false);
    expect(f.date(at)).toBe('23 Nov 2026');
    expect(f.dateTime(at)).toBe('23 Nov 2026 01:30');
    expect(f.duration(95)).toBe('1:35 min');
    expect(f.duration(3600)).toBe('1 h');
    expect(f.duration(3720)).toBe('1 h 2 min');
    expect(f.distance(3210)).toBe('3.2 km');
  });
  it('what is not known is a dash, never zero', () => {
    for (const text of [f.num(null), f.num(Number.NaN), f.date(''), f.date('nonsense'), f.duration(undefined), f.percent(null), f.thb(undefined)]) expect(text).toBe('–');
  });
  it('an age is never negative', () => expect(f.age(at, Date.parse(at) - 60_000)).toBe('just now'));
});
