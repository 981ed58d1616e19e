/** Who may import whom. Imports only go down, rooms never meet by imports, and the map knows no type. */
import { describe, expect, it } from 'vitest';
import { types } from './generated/vocabulary';

const sources = import.meta.glob<string>(['./**/*.ts', './**/*.svelte', '!./**/*.test.ts'], { query: '?raw', import: 'default', eager: true });
const files: Record<string, string> = Object.fromEntries(Object.entries(sources).map(([path, text]) => [path.slice(2), text]));

/** What each folder may import besides itself. */
const BELOW: Record<string, readonly string[]> = {
  lib: ['generated'],
  generated: ['lib'],
  components: ['lib', 'generated'],
  shell: ['lib', 'generated', 'components'],
  entities: ['lib', 'generated', 'components', 'shell'],
  map: ['lib', 'generated', 'components', 'shell', 'entities'],
  rooms: ['lib', 'generated', 'components', 'shell', 'entities', 'map'],
};
const ROOMS = Object.keys(files)
  .filter((path) => path.endsWith('/room.ts') && path.startsWith('rooms/'))
  .map((path) => path.slice(0, -'room.ts'.length));

/** The files of ours that a file imports, statically or lazily, as paths below src. */
function importsOf(path: string): string[] {
  const found = files[path]!.matchAll(/(?:from|import)\s*\(?\s*'([$.][^']*)'/g);
  return [...found].map(([, name]) => {
    const alias = /^\$(\w+)\//.exec(name!);
    return alias ? name!.slice(1) : new URL(name!, `http://src/${path}`).pathname.slice(1);
  });
}
const folderOf = (path: string): string => path.split('/')[0]!;
const roomOf = (path: string): string | undefined => ROOMS.find((room) => path.startsWith(room));
/** 'rooms/command/' of 'rooms/command/core/state.ts': rooms of one family may share files that belong to none of them. */
const familyOf = (path: string): string => path.split('/').slice(0, 2).join('/');

const edges = Object.keys(files).flatMap((path) => importsOf(path).map((target): [string, string] => [path, target]));

describe('imports', () => {
  it('are found', () => expect(edges.length).toBeGreaterThan(300));
  it('only go down', () => {
    const up = edges.filter(([from, to]) => from !== 'main.ts' && folderOf(from) !== folderOf(to) && !BELOW[folderOf(from)]?.includes(folderOf(to)));
    expect(up).toEqual([]);
  });
  it('never lead from one room to another', () => {
    const across = edges.filter(([from, to]) => {
      if (folderOf(from) !== 'rooms' || folderOf(to) !== 'rooms') return false;
      if (roomOf(from) === roomOf(to)) return false;
      return roomOf(to) !== undefined || familyOf(from) !== familyOf(to);
    });
    expect(across).toEqual([]);
  });
});

describe('the map', () => {
  it('knows no type of entity', () => {
    const named = Object.entries(files).flatMap(([path, text]) =>
      folderOf(path) === 'map' ? Object.keys(types).filter((type) => text.includes(`'${type}'`)).map((type) => `${path}: ${type}`) : [],
    );
    expect(named).toEqual([]);
  });
});
