import { afterEach, describe, expect, it } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import { Problem } from '$lib/problem';
import { problemText } from './problems';

const problem = (status: number, detail: string, extra: Record<string, unknown> = {}) => new Problem(status, 'about:blank', 'Title', detail, extra);
/** What the platform says to people at screens; grep these in src/andaman when one is changed. */
const SAID: [number, string, Record<string, unknown>][] = [
  [409, 'An incident that is closed cannot become onScene; it can become triaged', { allowed: ['triaged'] }],
  [409, "2 units are still bound (enRoute, onScene); clear or cancel the assignments first", { allowed: ['controlled'] }],
  [409, 'Ambulance 3 is enRoute, not available', { unit: 'urn:x' }],
  [409, 'The alert is acknowledged and was acknowledged already by Somchai', { allowed: ['closed'] }],
  [409, 'The alert was closed already by Somchai', { allowed: [] }],
  [400, 'outcome is missing', { field: 'outcome' }],
  [400, 'text must be at most 4000 characters without control characters', { field: 'text' }],
  [409, 'You have a drill running already; finish or abort it first', {}],
  [429, 'Too many failed sign-ins; try again in 30 s', { retryAfter: 30 }],
  [400, 'severity is one of Extreme, Severe', { field: 'severity' }],
  [403, 'This needs the role dispatcher', {}],
  [503, 'The platform is starting or stopping; try again', {}],
];
afterEach(() => {
  locale.lang = 'th';
});

describe('a refusal in Thai', () => {
  it.each(SAID)('%i %s: no English word but names is left', (status, detail, extra) => {
    locale.lang = 'th';
    const text = problemText(problem(status, detail, extra)).replace(/Somchai|Ambulance 3/g, '');
    expect(text).toMatch(/[ก-๙]/);
    expect(text).not.toMatch(/[A-Za-z]{2,}/);
  });
  it('names the states, and what can be done', () => {
    locale.lang = 'th';
    expect(problemText(problem(409, SAID[0]![1], SAID[0]![2]))).toBe('เหตุอยู่ในสถานะ “ปิดแล้ว” จึงเปลี่ยนเป็น “ถึงที่เกิดเหตุ” ไม่ได้ · ขณะนี้ทำได้: ประเมินแล้ว');
  });
  it('names the field where only the kind is known', () => {
    locale.lang = 'th';
    expect(problemText(problem(400, 'severity is one of Extreme, Severe', { field: 'severity' }))).toContain('ความรุนแรง');
  });
});

describe('a refusal in English', () => {
  it.each(SAID)("%i %s: is the platform's own sentence", (status, detail, extra) => {
    locale.lang = 'en';
    expect(problemText(problem(status, detail, extra))).toBe(detail);
  });
});
