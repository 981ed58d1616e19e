/** The registry: every `room.ts` below `src/rooms`. Nothing else needs to know that a room exists. */
import type { LiveEntity } from '$lib/live';
import { GROUPS, type Action, type Group, type Lazy, type Page, type PanelProps, type Room, type Slots } from './room';

const found = import.meta.glob<{ default: Room }>('../rooms/**/room.ts', { eager: true });
export const rooms: readonly Room[] = Object.values(found).map((module) => module.default);
export const pages: readonly Page[] = rooms.flatMap((room) => room.pages ?? []);
export const actions: readonly Action[] = rooms.flatMap((room) => room.actions ?? []);
const panels: Readonly<Record<string, Lazy<PanelProps>>> = Object.assign({}, ...rooms.map((room) => room.panels));

/** The panel of the first of its types that has one. */
export const panelOf = (entity: LiveEntity): Lazy<PanelProps> | undefined => [entity.type, ...entity.types].map((type) => panels[type]).find(Boolean);

/** What the rooms put into a slot, in the order of the rooms' names. */
export function fillersOf<Name extends keyof Slots>(slot: Name): readonly Slots[Name][] {
  return rooms.flatMap((room) => room.slots?.[slot] ?? []);
}

/** The page for a path: the longest prefix wins; '/' matches only itself. */
export function matchPage(all: readonly Page[], path: string): Page | undefined {
  return all
    .filter((page) => path === page.path || (page.path !== '/' && path.startsWith(`${page.path}/`)))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** The listed pages by group; a group without pages is left out. A page whose `after` is not shown comes first. */
export function navigation(all: readonly Page[]): { group: Group; pages: Page[] }[] {
  const inGroup = (group: Group): Page[] =>
    inOrder(
      all.filter((page) => page.nav?.group === group),
      (page) => page.path,
      (page) => page.nav?.after,
    );
  return GROUPS.map((group) => ({ group, pages: inGroup(group) })).filter((part) => part.pages.length > 0);
}

/** Those without a predecessor by name, each followed by those that come after it. */
export function inOrder<One>(all: readonly One[], nameOf: (one: One) => string, afterOf: (one: One) => string | undefined): One[] {
  const names = new Set(all.map(nameOf));
  const byName = [...all].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const ordered: One[] = [];
  const place = (one: One): void => {
    if (ordered.includes(one)) return;
    ordered.push(one);
    byName.filter((next) => afterOf(next) === nameOf(one)).forEach(place);
  };
  byName.filter((one) => !names.has(afterOf(one) ?? '')).forEach(place);
  byName.forEach(place); // those that name each other in a circle
  return ordered;
}
