import { describe, expect, it } from 'vitest';
import type { LiveEntity } from '$lib/live';
import { placesInRow } from './layer';

const at = (id: string, lon: number): LiveEntity => ({ id, type: 'Incident', types: ['Incident'], a: { location: { type: 'Point', coordinates: [lon, 7.9] } } });

describe('incidents at one point', () => {
  it('stand next to each other, so that each is seen', () => {
    const found = placesInRow([at('a', 98.3), at('b', 98.3), at('c', 98.4), at('d', 98.30001), { ...at('e', 0), a: {} }]);
    expect([...found]).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 0],
      ['d', 2],
      ['e', 0],
    ]);
  });
});
