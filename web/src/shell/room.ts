/**
 * Everything that a room can register. A room is a folder below `src/rooms` with a `room.ts`, and nothing else names it:
 * the registry finds it. Rooms never import each other.
 */
import type { LayerSpecification } from 'maplibre-gl';
import type { Component } from 'svelte';
import type { IconName } from '$components/icons';
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { Connection } from '$lib/socket.svelte';
import type { Permission } from '$generated/permissions';

/** A component that is fetched when it is first shown. */
export type Lazy<Props extends object = object> = () => Promise<{ default: Component<Props & Record<never, never>> }>;

/** What a room puts into a place of another one. */
export interface Filler<Props extends object = object> {
  load: Lazy<Props>;
  /** Who sees it; without this, everyone. */
  may?: Permission;
}
/**
 * Places that are left open for rooms, by name, with what fills them. Whoever has the place declares it in its
 * `slots.ts`: `declare module '$shell/room' { interface Slots { 'data.sections': Filler } }`.
 */
export interface Slots {
  /** In the middle of the top bar, on every page. */
  'frame.bar': Filler;
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
  /** What waits there for the reader, shown in the navigation; read again when the page changes. */
  waiting?: () => number;
  /** Who may open it; without this, everyone. The server enforces rights, this only spares a useless page. */
  may?: Permission;
  /** 'scroll': an ordinary page. 'fill': it takes all the space and scrolls by itself. */
  layout?: 'scroll' | 'fill';
  load: Lazy;
}

/** An image for marks on the map, drawn at twice its size. */
export interface MapImage {
  id: string;
  data: ImageData;
}
/**
 * How a layer of the map is drawn. The vocabulary has its words, its types and its place in the drawing order. A layer
 * of the vocabulary that no room registers shows a sign for each entity.
 */
export interface Layer {
  /** Its name in the vocabulary. */
  id: string;
  /** Always watched, also while it is off. A click near one of its marks selects that mark first. */
  core?: boolean;
  /** Drawn below routes, or below the ring around the selected entity. Without it: above both. */
  below?: 'route' | 'ring';
  /** Shows the geometry itself, not a mark on it. */
  shape?: boolean;
  /** Which of its entities are shown, in the order of lists. Without it: all of them, by name. */
  shown?: (entities: readonly LiveEntity[]) => LiveEntity[];
  /** The same choice as a condition of NGSI-LD (`q`), so that its count leads to its entities. */
  q?: string;
  /** What the style reads of an entity in addition to its `name`, such as `icon` (an image's id) or `order`. `now`: ms, to the minute. */
  properties?: (entity: LiveEntity, now: number) => Record<string, string | number>;
  images?: () => MapImage[];
  /** Marks within `radius` pixels join into one, up to zoom `maxZoom`. */
  cluster?: { radius: number; maxZoom: number; properties?: Record<string, unknown> };
  /** The map layers of source `id`: the first is `id` itself, that of clusters is `manyOf(id)`. See map/marks.ts. */
  style?: (layer: { id: string; minZoom?: number }) => LayerSpecification[];
}

/** A layer as the picture has it: drawn by a room or by itself, with its words and types from the vocabulary. */
export interface PictureLayer extends Layer {
  words: Message;
  types: readonly string[];
  /** Shown when the address says nothing. */
  on: boolean;
  minZoom?: number;
  /** Its entities move all the time: drawn in one call from a buffer, and watched within the viewport only. */
  moving?: boolean;
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
  /** Does the platform answer? */
  readonly connection: Connection;
  /** Everything that is always watched has arrived. */
  readonly complete: boolean;
  readonly selected: string | null;
  readonly selectedEntity: LiveEntity | null;
  /** A route drawn on the map. */
  route: GeoJSON.Geometry | null;
  /** All of a type that is always watched (`core` layers, `watches`). */
  ofType(type: string): readonly LiveEntity[];
  find(id: string): LiveEntity | null;
  /** What an entity refers to by its id; cheaper than `find`, because it does not react to every move. */
  refer(id: string): LiveEntity | null;
  /** Where it is; a thing without a place of its own is at the place of what it refers to. */
  placeOf(entity: LiveEntity): [number, number] | null;
  readonly layers: readonly PictureLayer[];
  readonly on: ReadonlySet<string>;
  /** What a layer shows now; nothing while it is off. */
  entitiesOf(layer: PictureLayer): readonly LiveEntity[];
  toggleLayer(id: string): void;
  select(id: string | null): void;
  /** Select from a list: opened by a key, the panel takes the focus. */
  openFrom(event: MouseEvent, id: string): void;
  /** Centre the map on it. */
  show(entity: LiveEntity): void;
  /** Show the city from end to end. */
  fit(): void;
  /** Show another moment, ms; null: live. */
  goTo(at: number | null): void;
}

/** Where an action is offered: on what, in which picture. */
export interface Context {
  readonly entity: LiveEntity | null;
  /** null on pages without one. */
  readonly picture: Picture | null;
}
/** Something that a person can do. The same object serves buttons, menus and the palette. */
export interface Action {
  /** Unique among all rooms, e.g. 'alert.acknowledge'. */
  id: string;
  title: Message;
  icon: IconName;
  /** Who may; without this, everyone. The server decides, this only hides what it would refuse. */
  may?: Permission;
  /** Types of entity that it acts on. Without them it acts on none, and is offered everywhere. */
  on?: readonly string[];
  /** Whether it makes sense now. */
  when?: (context: Context) => boolean;
  /** Changes the city: not while the past is shown. */
  changes?: true;
  /** Work begins with it: it is also a button below the lists of work. */
  begins?: true;
  /** Also listed in the menu of the person who is signed in. */
  menu?: 'account';
  /** The page whose picture it needs. From another page, that one opens first. */
  page?: string;
  /** A single key that runs it on the current row of a list of work; small letters. */
  key?: string;
  /** Asked before it runs. */
  confirm?: Message;
  run: (context: Context) => unknown;
}
/** Something that the palette finds, in the reader's language. */
export interface Hit {
  id: string;
  title: string;
  hint?: string;
  icon?: IconName;
  run: () => unknown;
}

/** What a panel gets. */
export interface PanelProps {
  entity: LiveEntity;
  picture: Picture;
}

export interface Room {
  /** The path of its folder, with dots: 'command.operations'. */
  name: string;
  pages?: readonly Page[];
  /** Panels by type of entity; a type without one has the general panel. */
  panels?: Readonly<Record<string, Lazy<PanelProps>>>;
  actions?: readonly Action[];
  /** What the palette finds in addition to actions and pages; called when it opens. */
  search?: (context: Context) => readonly Hit[];
  /** What the platform finds for a text that is typed into the palette; it is shown as it comes, without further filter. */
  find?: (text: string, signal: AbortSignal) => Promise<readonly Hit[]>;
  /** What it puts into the places of other rooms. */
  slots?: { readonly [Name in keyof Slots]?: readonly Slots[Name][] };
  layers?: readonly Layer[];
  /** Types that the picture holds although no layer shows them. */
  watches?: readonly string[];
}

/** A function declaration, because rooms are evaluated before the rest of this module when a room is imported first. */
export function defineRoom(room: Room): Room {
  return room;
}
