/** Plane and sphere geometry that screens need. Positions are [lon, lat] in degrees, WGS 84. */
import type { Geometry, Position } from 'geojson';

export function asGeometry(value: unknown): Geometry | null {
  if (value !== null && typeof value === 'object' && typeof (value as Geometry).type === 'string') return value as Geometry;
  return null;
}

/** A point to put a mark on: the point itself, a line's middle vertex, a polygon's box centre. */
export function anchor(value: unknown): [number, number] | null {
  const geometry = asGeometry(value);
  if (!geometry) return null;
  switch (geometry.type) {
    case 'Point':
      return pair(geometry.coordinates);
    case 'LineString':
      return pair(geometry.coordinates[Math.floor(geometry.coordinates.length / 2)]);
    case 'MultiPoint':
      return pair(geometry.coordinates[0]);
    case 'MultiLineString': {
      const line = geometry.coordinates[0] ?? [];
      return pair(line[Math.floor(line.length / 2)]);
    }
    case 'Polygon':
    case 'MultiPolygon': {
      const box = boundsOf(geometry);
      return box ? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] : null;
    }
    default:
      return null;
  }
}
const pair = (position: Position | undefined): [number, number] | null =>
  position && Number.isFinite(position[0]) && Number.isFinite(position[1]) ? [position[0]!, position[1]!] : null;

export function boundsOf(value: unknown): [number, number, number, number] | null {
  const geometry = asGeometry(value);
  if (!geometry || geometry.type === 'GeometryCollection') return null;
  let box: [number, number, number, number] | null = null;
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === 'number' && typeof part[1] === 'number') {
      const [x, y] = part as [number, number];
      box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)] : [x, y, x, y];
    } else for (const inner of part) visit(inner);
  };
  visit(geometry.coordinates);
  return box;
}

function inRing(x: number, y: number, ring: readonly Position[]): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i] as [number, number];
    const [xj, yj] = ring[j] as [number, number];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Even-odd rule over all rings, so holes count as outside. */
export function contains(value: unknown, [x, y]: readonly [number, number]): boolean {
  const geometry = asGeometry(value);
  const polygons = geometry?.type === 'Polygon' ? [geometry.coordinates] : geometry?.type === 'MultiPolygon' ? geometry.coordinates : [];
  return polygons.some((rings) => rings.reduce((inside, ring) => inside !== inRing(x, y, ring), false));
}

/** Great-circle distance in metres. */
export function metresBetween([lon1, lat1]: readonly [number, number], [lon2, lat2]: readonly [number, number]): number {
  const rad = Math.PI / 180;
  const h = Math.sin(((lat2 - lat1) * rad) / 2) ** 2 + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 12_742_017.6 * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Metres between a point and the part of a line that is nearest to it. */
export function metresToSegment(a: readonly [number, number], b: readonly [number, number], at: readonly [number, number]): { metres: number; along: number } {
  const flat = Math.cos((at[1] * Math.PI) / 180); // a degree of longitude against one of latitude
  const [dx, dy] = [(b[0] - a[0]) * flat, b[1] - a[1]];
  const square = dx * dx + dy * dy;
  const along = square > 0 ? Math.min(1, Math.max(0, ((at[0] - a[0]) * flat * dx + (at[1] - a[1]) * dy) / square)) : 0;
  return { metres: metresBetween(at, [a[0] + (b[0] - a[0]) * along, a[1] + (b[1] - a[1]) * along]), along };
}
/** Metres between a point and the outline of a polygon; Infinity for anything else. */
export function metresToOutline(value: unknown, at: readonly [number, number]): number {
  const geometry = asGeometry(value);
  const polygons = geometry?.type === 'Polygon' ? [geometry.coordinates] : geometry?.type === 'MultiPolygon' ? geometry.coordinates : [];
  let nearest = Infinity;
  for (const rings of polygons)
    for (const ring of rings)
      for (let i = 0; i + 1 < ring.length; i += 1) nearest = Math.min(nearest, metresToSegment(ring[i] as [number, number], ring[i + 1] as [number, number], at).metres);
  return nearest;
}

export type Box = [west: number, south: number, east: number, north: number];
export const holds = (outer: Box, inner: Box): boolean => outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
/** Grow a box by a share of its size on every side, clamped to the world. */
export function grow([w, s, e, n]: Box, share: number): Box {
  const dx = (e - w) * share;
  const dy = (n - s) * share;
  const round = (v: number) => Math.round(v * 1e4) / 1e4;
  return [round(Math.max(-180, w - dx)), round(Math.max(-90, s - dy)), round(Math.min(180, e + dx)), round(Math.min(90, n + dy))];
}
