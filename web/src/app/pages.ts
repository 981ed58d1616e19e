/** The registry: every folder `src/pages/<name>/` with a `page.ts` is a page. Nothing else needs to be told of it. */
import type { Component } from 'svelte';
import type { IconName } from '$components/icons';
import type { Message } from '$lib/i18n.svelte';
import type { Role } from './session.svelte';

export interface PageDef {
  /** Path it answers to; longer paths below it too, e.g. /training/course/shift. */
  path: string;
  title: Message;
  /** Shorter words for the rail, when the title has more than two. */
  nav?: Message;
  /** Place in the navigation; leave out to keep it from there. */
  order?: number;
  icon?: IconName;
  /** Who may open it; without this, everyone. The server enforces rights, this only spares a useless page. */
  roles?: Role[];
  /** 'scroll': an ordinary page. 'fill': it takes the whole space and scrolls by itself. */
  layout?: 'scroll' | 'fill';
  load: () => Promise<{ default: Component }>;
}

/** A function declaration, because the pages that call it are evaluated before the rest of this module. */
export function definePage(page: PageDef): PageDef {
  return page;
}

const found = import.meta.glob<{ default: PageDef }>('../pages/*/page.ts', { eager: true });
export const pages: PageDef[] = Object.values(found)
  .map((module) => module.default)
  .sort((a, b) => (a.order ?? 99) - (b.order ?? 99));

/** The page for a path: the longest prefix wins; '/' matches only itself. */
export function matchPage(all: readonly PageDef[], path: string): PageDef | undefined {
  return all
    .filter((page) => path === page.path || (page.path !== '/' && path.startsWith(`${page.path}/`)))
    .sort((a, b) => b.path.length - a.path.length)[0];
}
