import { describe, expect, it } from 'vitest';
import { anchor, boundsOf, contains, grow, holds, metresBetween, metresToOutline } from './geo';

const square = { type: 'Polygon', coordinates: [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]] };

describe('geo', () => {
  it('an outline is near wherever one of its lines is, also inside and at a hole', () => {
    expect(metresToOutline(square, [3, 3])).toBeCloseTo(metresBetween([3, 3], [4, 3]), -3);
    expect(metresToOutline(square, [5, 1])).toBeCloseTo(metresBetween([5, 1], [4, 1]), -3);
    expect(metresToOutline(square, [1.5, 1.1])).toBeLessThan(11_200);
    expect(metresToOutline({ type: 'Point', coordinates: [0, 0] }, [0, 0])).toBe(Infinity);
  });
  it('a hole is outside', () => {
    expect(contains(square, [3, 3])).toBe(true);
    expect(contains(square, [1.5, 1.5])).toBe(false);
    expect(contains(square, [5, 1])).toBe(false);
    expect(contains({ type: 'MultiPolygon', coordinates: [square.coordinates] }, [3, 1])).toBe(true);
  });
  it('anchors every kind of geometry and nothing else', () => {
    expect(anchor({ type: 'Point', coordinates: [98.3, 7.9] })).toEqual([98.3, 7.9]);
    expect(anchor({ type: 'LineString', coordinates: [[0, 0], [1, 1], [2, 2]] })).toEqual([1, 1]);
    expect(anchor(square)).toEqual([2, 2]);
    expect(anchor(null)).toBeNull();
    expect(anchor({ type: 'Point', coordinates: [] })).toBeNull();
  });
  it('bounds and boxes', () => {
    expect(boundsOf(square)).toEqual([0, 0, 4, 4]);
    expect(holds(grow([1, 1, 2, 2], 0.5), [1, 1, 2, 2])).toBe(true);
    expect(holds([1, 1, 2, 2], [1, 1, 2, 2.1])).toBe(false);
  });
  it('a degree of latitude is about 111.2 km', () => {
    expect(metresBetween([98, 7], [98, 8])).toBeCloseTo(111_195, -2);
  });
});
