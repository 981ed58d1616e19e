/** The feeds as the platform reports them: which of them bring nothing, and since when. */
import type { Message } from '$lib/i18n.svelte';
import { resource, type Resource } from '$lib/resource.svelte';

export interface FeedOrder {
  action: 'start' | 'stop';
  at: string;
  by: string;
  reason: string;
}
export interface Feed {
  id: string;
  name: Message;
  origin: string;
  state: 'running' | 'starting' | 'stopped' | 'waiting' | 'failing' | 'finished';
  since: string | null;
  lateSince: string | null;
  failingSince: string | null;
  lastAt: string | null;
  count: number;
  speed: number;
  /** The instant in the recording that is replayed now; null where nothing is replayed. */
  recordedAt: string | null;
  error: string;
  /** The last order of an administrator; null for the public. */
  order: FeedOrder | null;
}
export type Trouble = 'stopped' | 'finished' | 'late' | 'failing' | 'waiting';

export const feeds = (everySeconds: number): Resource<Feed[]> => resource<Feed[]>('/api/ingest/feeds', everySeconds);

/** Why nothing comes from it; null while it is well. */
export function troubleOf(feed: Feed): Trouble | null {
  switch (feed.state) {
    case 'stopped':
    case 'finished':
    case 'failing':
    case 'waiting':
      return feed.state;
    default:
      return feed.lateSince === null ? null : 'late';
  }
}
/** When the trouble began, as the platform knows it. */
export function troubleSince(feed: Feed): string | null {
  const trouble = troubleOf(feed);
  if (trouble === 'late') return feed.lateSince;
  if (trouble === 'failing' || trouble === 'waiting') return feed.failingSince ?? feed.since;
  return feed.since;
}
/** Somebody meant it, or nobody did. */
export const toneOf = (trouble: Trouble | null): 'plain' | 'warn' | 'bad' => (trouble === null ? 'plain' : trouble === 'failing' || trouble === 'waiting' ? 'bad' : 'warn');
