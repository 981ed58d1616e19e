/** What the rooms of the command center give to each other's places: lists of work, sections of an incident. */
import type { Act } from '$lib/act.svelte';
import type { FigureOf } from '$lib/evidence';
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { Filler, PanelProps, Picture } from '$shell/room';
import { session } from '$shell/session.svelte';
import type { IncidentDetail } from './commands';

/** A row of a list of work. */
export interface RowProps extends PanelProps {
  /** Runs what the row's buttons do; the list shows what stops it. */
  act: Act;
}
/** A list of work: a tab of the queue. Its component is a row. */
export interface WorkList extends Filler<RowProps> {
  id: string;
  title: Message;
  /** The list before it. */
  after?: string;
  rows: (picture: Picture) => readonly LiveEntity[];
  /** Where the number of its rows comes from. */
  figure?: FigureOf;
  /** What an empty list says. */
  empty: { title: Message; text: () => Message | null };
}

/** To those who are not signed in, an empty list is one that they may not see: its number is not 0. */
export const isSeen = (rows: readonly LiveEntity[]): boolean => session.signedIn || rows.length > 0;

/** A section of an incident's panel. */
export interface SectionProps extends PanelProps {
  /** The record of the incident; null before it is there. */
  detail: IncidentDetail | null;
  act: Act;
  /** Fetch the record again, after something was done. */
  refresh: () => Promise<void>;
}
