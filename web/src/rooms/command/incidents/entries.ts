/** The timeline of an incident, in words. */
import { isRecord, own, sentence, type Sentence } from '$components/sentences';
import { statusText } from '$entities/describe';
import { timeline } from '$generated/timeline';
import { fill, nameText, t, type Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { ENDED_INCIDENT } from '../core/state';
import { assignmentText } from '../core/steps';
import { msg } from './messages';

/** One line of an incident's timeline: what happened in the reader's language, and what somebody wrote as it is. */
export function entryText(entry: LiveEntity, unitName: (id: string) => string): string {
  const happened = own<Sentence>(timeline, String(entry.a['code']));
  const params = entry.a['params'];
  if (!happened || !isRecord(params)) return olderEntryText(entry, unitName);
  const written = entry.a['text'];
  const said = entry.a['code'] === 'unit-step' && params['state'] === 'cancelled' ? `${nameText(params['unit'])}: ${assignmentText('cancelled')}` : sentence(happened, params);
  return [said, typeof written === 'string' ? written : ''].filter(Boolean).join(' · ');
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

/** Notes, ticks, corrections and hand-overs that were written while the incident was over. Its own steps are not among them. */
export function writtenAfterEnd(timeline: readonly LiveEntity[]): ReadonlySet<string> {
  const found = new Set<string>();
  let ended = false;
  for (const entry of byNumber(timeline)) {
    const type = entry.a['entryType'];
    if (type === 'step') ended = ENDED_INCIDENT.has(String(entry.a['step']));
    else if (ended && type !== 'assignment' && type !== 'follows') found.add(entry.id);
  }
  return found;
}

/** The entry that says that the item is done; null where it is not, or the tick was taken back. Older versions noted a tick as
 * a sentence in one language. */
export function tickOf(item: Message, timeline: readonly LiveEntity[]): LiveEntity | null {
  let tick: LiveEntity | null = null;
  for (const entry of byNumber(timeline)) {
    const params = entry.a['params'];
    const named = isRecord(params) && isRecord(params['item']) && params['item']['th'] === item.th;
    const text = nameText(entry.a['text']);
    if (named && entry.a['code'] === 'item-unchecked') tick = null;
    else if ((named && entry.a['code'] === 'item-checked') || text === fill(msg.checked.th, { item: item.th }) || text === fill(msg.checked.en, { item: item.en })) tick = entry;
  }
  return tick;
}
const byNumber = (timeline: readonly LiveEntity[]): LiveEntity[] => [...timeline].sort((a, b) => Number(a.a['number'] ?? 0) - Number(b.a['number'] ?? 0));
