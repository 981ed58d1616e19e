/** Laws of refusals on screens: the generated words fit, and both languages speak of the parameters. */
import { afterEach, describe, expect, it } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import { Problem } from '$lib/problem';
import { problems } from '../generated/problems';
import { timeline } from '../generated/timeline';
import { hasDetail, problemText } from './problems';
import { sentence, type ParamKind } from './sentences';

const problem = (status: number, detail: string, extra: Record<string, unknown> = {}) => new Problem(status, 'about:blank', 'Title', detail, extra);
const SAMPLE: Record<ParamKind, unknown> = {
  name: { th: 'รถพยาบาล ๓', en: 'Ambulance 3' },
  names: [{ th: 'รถพยาบาล ๓', en: 'Ambulance 3' }],
  state: 'enRoute',
  states: ['enRoute', 'onScene'],
  time: '2026-11-30T07:32:00Z',
  day: '2022-09-19',
  field: 'severity',
  number: 30,
  text: '๑๒๓',
};
afterEach(() => {
  locale.lang = 'th';
});

describe('words of the platform', () => {
  it.each([...Object.entries(problems), ...Object.entries(timeline)])('%s: every placeholder is filled, and Thai is Thai', (_code, said) => {
    const params = Object.fromEntries(Object.entries(said.params ?? {}).map(([name, kind]) => [name, SAMPLE[kind]]));
    for (const lang of ['th', 'en'] as const) {
      locale.lang = lang;
      const text = sentence(said, params);
      expect(text).not.toMatch(/[{}]|undefined|\[object/);
      if (lang === 'th') expect(text.replace(/JSON-LD|Content-Length|pk-ddpm|operations|selector/g, '')).not.toMatch(/[A-Za-z]{2,}/);
    }
  });
});

describe('a refusal', () => {
  const unit = { code: 'unit-not-available', params: { unit: SAMPLE.name, id: 'urn:x', state: 'enRoute' } };
  it('has the words of its code in the language of the reader, with states as the reader calls them', () => {
    const busy = problem(409, 'Ambulance 3 is “enRoute”, not available', unit);
    expect(problemText(busy)).toBe('รถพยาบาล ๓ อยู่ในสถานะ “กำลังเดินทาง” จึงไม่ว่าง เลือกหน่วยอื่น');
    locale.lang = 'en';
    expect(problemText(busy)).toBe('Ambulance 3 is “En route”, not available; choose another unit');
    expect(hasDetail(busy)).toBe(false);
  });
  it('offers the English detail only where its own words do not say it all', () => {
    expect(hasDetail(problem(409, 'Ambulance 3 is “enRoute”, not available', unit))).toBe(false);
    expect(hasDetail(problem(403, 'The role lacks incident.close', { code: 'forbidden' }))).toBe(false);
    expect(hasDetail(problem(400, '', { code: 'bad-request-data' }))).toBe(false);
    expect(hasDetail(problem(400, 'The third member is odd', { code: 'bad-request-data' }))).toBe(true);
  });
  it('names what can be done', () => {
    const extra = { code: 'incident-step-not-allowed', params: { state: 'closed', step: 'onScene', allowed: ['triaged'] }, allowed: ['triaged'] };
    expect(problemText(problem(409, 'x', extra))).toBe('เหตุอยู่ในสถานะ “ปิดแล้ว” จึงเปลี่ยนเป็น “ถึงที่เกิดเหตุ” ไม่ได้ · ขณะนี้ทำได้: ประเมินแล้ว');
  });
  it('has a day as people say it, without a time', () => {
    const early = problem(400, 'x', { code: 'accepted-too-early', params: { date: '2022-09-19' } });
    expect(problemText(early)).toBe('วันที่ตรวจรับต้องไม่ก่อนวันลงนามข้อตกลงของโครงการ (19 กันยายน 2565)');
  });
  it('names the field', () => {
    expect(problemText(problem(400, 'x', { code: 'field-missing', params: { field: 'outcome' }, field: 'outcome' }))).toBe('โปรดกรอกผลการดำเนินการ');
    expect(problemText(problem(400, 'x', { code: 'bad-request-data', field: 'severity' }))).toContain('ความรุนแรง');
  });
  it('calls the field as the form does', () => {
    const long = problem(400, 'x', { code: 'field-too-long', params: { field: 'name', limit: 120 }, field: 'name' });
    expect(problemText(long, 'ชื่อแผน (ไม่บังคับ)')).toMatch(/^ชื่อแผนยาวเกิน 120/);
  });
  it.each(['bad-request-data', 'from-a-newer-platform', 'toString'])('%s without parameters: Thai by its kind, English as the platform says it', (code) => {
    const odd = problem(400, 'The third member is odd', { code });
    expect(problemText(odd)).toMatch(/[ก-๙]/);
    expect(problemText(odd)).not.toMatch(/[A-Za-z]{2,}/);
    locale.lang = 'en';
    expect(problemText(odd)).toBe('The third member is odd');
  });
});
