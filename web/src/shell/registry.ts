/** The registry: every `room.ts` below `src/rooms`. Nothing else needs to know that a room exists. */
import { GROUPS, type Filler, type Group, type Page, type Room, type Slots } from './room';

const found = import.meta.glob<{ default: Room }>('../rooms/**/room.ts', { eager: true });
export const rooms: readonly Room[] = Object.values(found).map((module) => module.default);
export const pages: readonly Page[] = rooms.flatMap((room) => room.pages ?? []);

/** What the rooms put into a slot, in the order of the rooms' names. */
export function fillersOf<Name extends keyof Slots>(slot: Name): readonly Filler<Slots[Name] & object>[] {
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
  return GROUPS.map((group) => ({ group, pages: inOrder(all.filter((page) => page.nav?.group === group)) })).filter((part) => part.pages.length > 0);
}

/** Pages without a predecessor by path, each followed by the pages that come after it. */
function inOrder(group: readonly Page[]): Page[] {
  const paths = new Set(group.map((page) => page.path));
  const byPath = [...group].sort((a, b) => (a.path < b.path ? -1 : 1));
  const ordered: Page[] = [];
  const place = (page: Page): void => {
    if (ordered.includes(page)) return;
    ordered.push(page);
    byPath.filter((next) => next.nav?.after === page.path).forEach(place);
  };
  byPath.filter((page) => !page.nav?.after || !paths.has(page.nav.after)).forEach(place);
  byPath.forEach(place); // pages that name each other in a circle
  return ordered;
}
