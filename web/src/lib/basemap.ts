/** The quiet ground under a study: land, districts, roads and names from the platform's own tiles. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Lang } from './i18n.svelte';
import { token } from './theme.svelte';

export function quietStyle(lang: Lang): StyleSpecification {
  const label: ExpressionSpecification = ['coalesce', ['get', lang], ['get', lang === 'th' ? 'en' : 'th'], ['get', 'name'], ''];
  const line = (id: string, level: string, width: number, minzoom = 0): LayerSpecification => ({
    id,
    type: 'line',
    source: 'base',
    'source-layer': 'district',
    minzoom,
    filter: ['==', ['get', 'level'], level],
    paint: { 'line-color': token('--map-line'), 'line-width': width },
  });
  return {
    version: 8,
    sources: { base: { type: 'vector', tiles: [`${location.origin}/tiles/base/{z}/{x}/{y}.mvt`], minzoom: 0, maxzoom: 14 } },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': token('--map-sea') } },
      { id: 'land', type: 'fill', source: 'base', 'source-layer': 'land', paint: { 'fill-color': token('--map-land') } },
      { id: 'water', type: 'fill', source: 'base', 'source-layer': 'water', paint: { 'fill-color': token('--map-sea') } },
      line('tambon', 'tambon', 0.6, 9.5),
      line('amphoe', 'amphoe', 1.3),
      {
        id: 'road',
        type: 'line',
        source: 'base',
        'source-layer': 'road',
        minzoom: 9,
        paint: { 'line-color': token('--map-road'), 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 9, 0.6, 16, 8] },
      },
      {
        id: 'names',
        type: 'symbol',
        source: 'base',
        'source-layer': 'district_label',
        filter: ['==', ['get', 'level'], 'amphoe'],
        layout: { 'text-field': label, 'text-font': ['IBM Plex Sans Thai'], 'text-size': 13.5 },
        // Stands on the colours of a result, so it needs more contrast than the quiet map's names.
        paint: { 'text-color': token('--text'), 'text-halo-color': token('--map-halo'), 'text-halo-width': 2 },
      },
    ],
  };
}
