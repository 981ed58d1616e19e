/**
 * What a room gives to the screens. A room is a folder below `src/rooms` with a `room.ts`, and nothing else names it:
 * the registry finds it. Rooms never import each other.
 */
import type { Component } from 'svelte';
import type { IconName } from '$components/icons';
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { Role } from './session.svelte';

/** A component that is fetched when it is first shown. */
export type Lazy<Props extends object = object> = () => Promise<{ default: Component<Props & Record<never, never>> }>;

/**
 * Places that one room leaves open for others, by name, with the properties that a filler gets. The room with the place
 * declares it in its `slots.ts`: `declare module '$shell/room' { interface Slots { 'data.sections': object } }`.
 */
export interface Slots {}
export interface Filler<Props extends object = object> {
  load: Lazy<Props>;
  roles?: readonly Role[];
}

/** Groups of the navigation, in their order. */
export const GROUPS = ['now', 'city', 'evidence', 'plans', 'people', 'administration'] as const;
export type Group = (typeof GROUPS)[number];

export interface Page {
  /** The path it answers to; longer paths below it too, e.g. /training/course/shift. */
  path: string;
  title: Message;
  /** Its place in the navigation; a page without one is not listed. `after` is the path of another page in the group. */
  nav?: { group: Group; after?: string; title?: Message };
  icon?: IconName;
  /** Who may open it; without this, everyone. The server enforces rights, this only spares a useless page. */
  roles?: readonly Role[];
  /** 'scroll': an ordinary page. 'fill': it takes all the space and scrolls by itself. */
  layout?: 'scroll' | 'fill';
  load: Lazy;
}

/** The live picture of the city at one moment, as panels see it. */
export interface Picture {
  /** ms of the moment shown, or null: live. */
  readonly at: number | null;
  /** "Now" for ages and durations, ms. */
  readonly now: number;
  /** The past is shown: nothing can be changed. */
  readonly replay: boolean;
  /** The exercise it shows, or ''. */
  readonly tenant: string;
  readonly selected: string | null;
  find(id: string): LiveEntity | null;
  /** What an entity refers to by its id; cheaper than `find`, because it does not follow fast movers. */
  refer(id: string): LiveEntity | null;
  /** Where it is; a thing without a place of its own is where the one is that it refers to. */
  placeOf(entity: LiveEntity): [number, number] | null;
  select(id: string | null): void;
  /** Select from a list: opened by a key, the panel takes the focus. */
  openFrom(event: MouseEvent, id: string): void;
  /** Bring it into sight on the map. */
  show(entity: LiveEntity): void;
}

export interface Room {
  /** The path of its folder, with dots: 'command.operations'. */
  name: string;
  pages?: readonly Page[];
  /** What it puts into the places of other rooms. */
  slots?: { readonly [Name in keyof Slots]?: readonly Filler<Slots[Name] & object>[] };
}

/** A function declaration, because rooms are evaluated before the rest of this module when a room is imported first. */
export function defineRoom(room: Room): Room {
  return room;
}
