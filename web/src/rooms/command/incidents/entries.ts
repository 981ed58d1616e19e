/** The timeline of an incident, in words. */
import { isRecord, own, sentence, type Sentence } from '$components/sentences';
import { statusText } from '$entities/describe';
import { timeline } from '$generated/timeline';
import { nameText, t } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { msg } from './messages';

/** One line of an incident's timeline: what happened in the reader's language, and what somebody wrote as it is. */
export function entryText(entry: LiveEntity, unitName: (id: string) => string): string {
  const happened = own<Sentence>(timeline, String(entry.a['code']));
  const params = entry.a['params'];
  if (!happened || !isRecord(params)) return olderEntryText(entry, unitName);
  const written = entry.a['text'];
  return [sentence(happened, params), typeof written === 'string' ? written : ''].filter(Boolean).join(' · ');
}

/** A note, or an entry of a version that stored no codes. */
function olderEntryText(entry: LiveEntity, unitName: (id: string) => string): string {
  const said = nameText(entry.a['text']);
  const status = statusText(entry.a['step']);
  switch (entry.a['entryType']) {
    case 'created':
      return [t(msg.entryCreated), said].filter(Boolean).join(': ');
    case 'step':
      return [t(msg.entryStep, { status }), said].filter(Boolean).join(' · ');
    case 'follows':
      return t(msg.entryFollows, { status });
    case 'assignment': {
      const unit = unitName(String(entry.a['refUnit'] ?? '')) || said;
      return t(msg.entryUnit, { unit, status });
    }
    default:
      return said;
  }
}
