/** Laws of an incident's timeline: the reader's language, also for entries of versions that stored no codes. */
import { afterEach, describe, expect, it } from 'vitest';
import { locale } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { entryText } from './entries';

const entry = (a: Record<string, unknown>): LiveEntity => ({ id: 'urn:x', type: 'TimelineEntry', types: ['TimelineEntry'], a, t: {} }) as LiveEntity;
const said = (a: Record<string, unknown>) => entryText(entry(a), () => '');
afterEach(() => {
  locale.lang = 'th';
});

describe('an entry of the timeline', () => {
  const unit = { th: 'รถพยาบาล 3', en: 'Ambulance 3' };
  const sent = { code: 'unit-step', params: { unit, state: 'enRoute' }, entryType: 'assignment', step: 'enRoute' };
  it('is a sentence in the language of the reader', () => {
    expect(said({ ...sent, text: { th: 'รถพยาบาล 3: enRoute', en: 'Ambulance 3: enRoute' } })).toBe('รถพยาบาล 3: กำลังเดินทาง');
    locale.lang = 'en';
    expect(said({ ...sent, text: 'Two patients' })).toBe('Ambulance 3: En route · Two patients');
  });
  it('of an older version is a sentence too', () => {
    locale.lang = 'en';
    expect(said({ entryType: 'assignment', step: 'enRoute', text: 'รถพยาบาล 3' })).toBe('รถพยาบาล 3: En route');
    expect(said({ entryType: 'step', step: 'closed', text: 'Road open' })).toBe('Incident state: Closed · Road open');
  });
  it('is the note as it was written', () => {
    expect(said({ entryType: 'note', text: 'Wind from the west' })).toBe('Wind from the west');
  });
});
