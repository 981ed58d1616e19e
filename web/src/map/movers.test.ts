import { describe, expect, it } from 'vitest';
import type { LiveEntity } from '$lib/live';
import { mercator, Rows } from './movers';

const bus = (id: string, lon: number, lat: number, bearing = 0): LiveEntity => ({ id, type: 'Vehicle', types: ['Vehicle'], a: { bearing, location: { type: 'Point', coordinates: [lon, lat] } } });
/** What the rows say, by id: place in degrees of mercator, bearing. */
const told = (rows: Rows) =>
  new Map(rows.entities.map((entity, slot) => [entity.id, [0, 1, 2].map((k) => rows.values[slot * 3 + k]! + (k < 2 ? rows.origin[k]! : 0))]));
function agree(rows: Rows, wanted: readonly LiveEntity[]): void {
  const said = told(rows);
  expect([...said.keys()].sort()).toEqual(wanted.map((entity) => entity.id).sort());
  for (const entity of wanted) {
    const [lon, lat] = (entity.a['location'] as GeoJSON.Point).coordinates as [number, number];
    const [x, y] = mercator(lon, lat);
    const [sx, sy, bearing] = said.get(entity.id)!;
    expect(Math.abs(sx! - x)).toBeLessThan(2e-10); // 8 mm
    expect(Math.abs(sy! - y)).toBeLessThan(2e-10);
    expect(bearing).toBeCloseTo((Number(entity.a['bearing']) * Math.PI) / 180, 5);
  }
}

describe('rows of moving objects', () => {
  it('are the entities given, after any changes, and only what changed is written', () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const rows = new Rows();
    let world = new Map<string, LiveEntity>();
    for (let step = 0; step < 60; step++) {
      const next = new Map(world);
      let changed = 0;
      for (let k = 0; k < 30; k++) {
        const id = `b${Math.floor(random() * 150)}`;
        if (random() < 0.3) next.delete(id);
        else next.set(id, bus(id, 98.2 + random() * 0.3, 7.7 + random() * 0.5, random() * 360));
      }
      for (const [id, entity] of next) if (world.get(id) !== entity) changed += 1;
      for (const id of world.keys()) if (!next.has(id)) changed += 1;
      expect(rows.set(next.values())).toBe(changed);
      agree(rows, [...next.values()]);
      world = next;
    }
    expect(rows.set(world.values())).toBe(0);
    expect(rows.set([])).toBe(world.size);
    expect(rows.count).toBe(0);
  });

  it('leave out what has no place, and find the nearest', () => {
    const rows = new Rows();
    rows.set([bus('a', 98.3, 7.9), bus('b', 98.31, 7.9), { ...bus('c', 0, 0), a: {} }]);
    expect(rows.count).toBe(2);
    const [x, y] = mercator(98.309, 7.9);
    expect(rows.nearest(x, y, 1e-4)?.id).toBe('b');
    expect(rows.nearest(x, y, 1e-7)).toBeNull();
  });
});
