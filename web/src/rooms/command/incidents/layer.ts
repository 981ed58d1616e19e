/** Incidents on the map: those that are not over. They never join: several at one point stand next to each other. */
import type { ExpressionSpecification } from 'maplibre-gl';
import { anchor } from '$lib/geo';
import type { LiveEntity } from '$lib/live';
import type { Layer } from '$shell/room';
import { severityMark, severitySymbols } from '../core/marks';
import { OPEN_INCIDENTS, openIncidents } from '../core/state';
import { incidentImages } from '../core/symbols';

/** Of a mark's image, in pixels, by its place in the row. */
const ASIDE = 30;
const ROW = 8;
/** Incident → its place among those at the same point. */
let places: ReadonlyMap<string, number> = new Map();
export function placesInRow(incidents: readonly LiveEntity[]): Map<string, number> {
  const counts = new Map<string, number>();
  const found = new Map<string, number>();
  for (const one of incidents) {
    const point = anchor(one.a['location']);
    const key = point ? `${point[0].toFixed(4)},${point[1].toFixed(4)}` : one.id;
    const place = counts.get(key) ?? 0;
    counts.set(key, place + 1);
    found.set(one.id, Math.min(place, ROW));
  }
  return found;
}
const aside = ['match', ['get', 'row'], ...Array.from({ length: ROW }, (_, i) => [i + 1, ['literal', [ASIDE * (i + 1), 0]]]).flat(), ['literal', [0, 0]]] as unknown as ExpressionSpecification;

export const layer: Layer = {
  id: 'incidents',
  core: true,
  shown: (incidents) => {
    const open = openIncidents(incidents);
    places = placesInRow(open);
    return open;
  },
  q: OPEN_INCIDENTS,
  properties: (incident) => ({ ...severityMark('incident', incident), row: places.get(incident.id) ?? 0 }),
  images: incidentImages,
  style: ({ id }) => {
    const marks = severitySymbols(id, 11);
    return [{ ...marks, layout: { ...marks.layout, 'icon-offset': aside } }];
  },
};
