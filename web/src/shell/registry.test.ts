import { describe, expect, it } from 'vitest';
import { matchPage, navigation, pages, rooms } from './registry';
import type { Group, Page } from './room';

const page = (path: string, group: Group, after?: string): Page => ({
  path,
  title: { th: path, en: path },
  nav: { group, after },
  load: () => Promise.reject(new Error('not loaded in a test')),
});
const order = (...all: Page[]): string[] => navigation(all).flatMap((part) => part.pages.map((one) => one.path));

describe('rooms', () => {
  it('have the name of their folder', () => {
    const folders = Object.keys(import.meta.glob('../rooms/**/room.ts')).map((file) => file.slice('../rooms/'.length, -'/room.ts'.length).replaceAll('/', '.'));
    expect(rooms.map((room) => room.name).sort()).toEqual(folders.sort());
  });
  it('answer to different paths, and each page comes after one that exists in its group', () => {
    const paths = pages.map((one) => one.path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const one of pages) if (one.nav?.after) expect(pages.find((other) => other.path === one.nav?.after)?.nav?.group).toBe(one.nav.group);
  });
});

describe('navigation', () => {
  it('puts a page behind the one that it names, whatever the order of registration', () => {
    const [a, b, c] = [page('/a', 'now', '/b'), page('/b', 'now'), page('/c', 'now', '/a')];
    expect(order(a, b, c)).toEqual(['/b', '/a', '/c']);
    expect(order(c, b, a)).toEqual(['/b', '/a', '/c']);
  });
  it('keeps the order of the groups and leaves out empty ones', () => {
    expect(navigation([page('/x', 'people'), page('/y', 'now')]).map((part) => part.group)).toEqual(['now', 'people']);
  });
  it('loses no page: not behind one that may not be opened, not in a circle', () => {
    expect(order(page('/a', 'plans', '/hidden'))).toEqual(['/a']);
    expect(order(page('/a', 'plans', '/b'), page('/b', 'plans', '/a')).sort()).toEqual(['/a', '/b']);
  });
});

describe('matchPage', () => {
  it('takes the longest path that fits, and / only for itself', () => {
    const all = [page('/', 'now'), page('/a', 'now'), page('/a/b', 'now')];
    expect(matchPage(all, '/a/b/c')?.path).toBe('/a/b');
    expect(matchPage(all, '/ab')).toBeUndefined();
  });
});
