/** The map's style from the theme's tokens. Geometry comes from the platform's own tiles, letters from local fonts. */
import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import type { Lang } from '$lib/i18n.svelte';
import { token } from '$lib/theme.svelte';
import type { PictureLayer } from '$shell/room';
import { mapLayers } from './layers';
import { FONT, letters } from './marks';

const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
/** Sources that are ours besides the layers'. */
export const SELECTED = 'selected';
export const ROUTE = 'route';

export function mapStyle(lang: Lang): StyleSpecification {
  const label: ExpressionSpecification = ['coalesce', ['get', lang], ['get', lang === 'th' ? 'en' : 'th'], ['get', 'name'], ''];
  const halo = letters();
  const sources: Record<string, SourceSpecification> = {
    base: { type: 'vector', tiles: [`${location.origin}/tiles/base/{z}/{x}/{y}.mvt`], minzoom: 0, maxzoom: 14 },
    [SELECTED]: { type: 'geojson', data: EMPTY },
    [ROUTE]: { type: 'geojson', data: EMPTY },
  };
  for (const layer of mapLayers()) if (!layer.moving) sources[layer.id] = { type: 'geojson', data: EMPTY, ...clustering(layer) };

  const base: LayerSpecification[] = [
    { id: 'sea', type: 'background', paint: { 'background-color': token('--map-sea') } },
    { id: 'land', type: 'fill', source: 'base', 'source-layer': 'land', paint: { 'fill-color': token('--map-land') } },
    {
      id: 'waterway',
      type: 'line',
      source: 'base',
      'source-layer': 'waterway',
      paint: { 'line-color': token('--map-sea'), 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 0.6, 15, 2.5] },
    },
    {
      id: 'tambon',
      type: 'line',
      source: 'base',
      'source-layer': 'district',
      minzoom: 9.5,
      filter: ['==', ['get', 'level'], 'tambon'],
      paint: { 'line-color': token('--map-line'), 'line-width': 0.7, 'line-dasharray': [3, 3], 'line-opacity': 0.8 },
    },
    {
      id: 'amphoe',
      type: 'line',
      source: 'base',
      'source-layer': 'district',
      filter: ['==', ['get', 'level'], 'amphoe'],
      paint: { 'line-color': token('--map-line'), 'line-width': 1.4 },
    },
    {
      id: 'road',
      type: 'line',
      source: 'base',
      'source-layer': 'road',
      minzoom: 9,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': ['match', ['get', 'class'], ['motorway', 'trunk', 'primary'], token('--map-road-major'), token('--map-road')],
        'line-width': [
          'interpolate',
          ['exponential', 1.5],
          ['zoom'],
          9,
          ['match', ['get', 'class'], ['motorway', 'trunk', 'primary'], 1.1, ['secondary'], 0.7, 0.3],
          16,
          ['match', ['get', 'class'], ['motorway', 'trunk', 'primary'], 12, ['secondary'], 9, 5],
        ],
      },
    },
    {
      id: 'road-name',
      type: 'symbol',
      source: 'base',
      'source-layer': 'road',
      minzoom: 12.5,
      layout: { 'symbol-placement': 'line', 'text-field': label, 'text-font': FONT, 'text-size': 12, 'symbol-spacing': 320 },
      paint: halo,
    },
  ];
  const drawn = (below: PictureLayer['below']): LayerSpecification[] =>
    mapLayers()
      .filter((layer) => layer.below === below && !layer.moving)
      .flatMap((layer) => layer.style?.(layer) ?? []);
  const marks: LayerSpecification[] = [
    ...drawn('route'),
    {
      id: 'route',
      type: 'line',
      source: ROUTE,
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': token('--accent'), 'line-width': 4, 'line-opacity': 0.9 },
    },
    ...drawn('ring'),
    {
      id: 'selected-ring',
      type: 'circle',
      source: SELECTED,
      paint: { 'circle-radius': 22, 'circle-color': token('--accent'), 'circle-opacity': 0.22, 'circle-stroke-color': token('--accent'), 'circle-stroke-width': 2.5 },
    },
    ...drawn(undefined),
  ];
  // Rain gauges of a district are where its name would be: the name moves aside.
  const aside = {
    'text-variable-anchor': ['center', 'bottom', 'top', 'left', 'right'] as ('center' | 'bottom' | 'top' | 'left' | 'right')[],
    'text-radial-offset': 1.7,
    'text-justify': 'auto' as const,
  };
  const names: LayerSpecification[] = [
    {
      id: 'tambon-name',
      type: 'symbol',
      source: 'base',
      'source-layer': 'district_label',
      minzoom: 10.3,
      filter: ['==', ['get', 'level'], 'tambon'],
      layout: { 'text-field': label, 'text-font': FONT, 'text-size': 12.5, 'text-padding': 8, ...aside },
      paint: halo,
    },
    {
      id: 'amphoe-name',
      type: 'symbol',
      source: 'base',
      'source-layer': 'district_label',
      maxzoom: 10.3,
      filter: ['==', ['get', 'level'], 'amphoe'],
      layout: { 'text-field': label, 'text-font': FONT, 'text-size': 14, ...aside },
      paint: halo,
    },
  ];
  return { version: 8, sources, layers: [...base, ...names, ...marks] };
}

function clustering({ cluster }: PictureLayer): object {
  return cluster ? { cluster: true, clusterRadius: cluster.radius, clusterMaxZoom: cluster.maxZoom, ...(cluster.properties ? { clusterProperties: cluster.properties } : {}) } : {};
}

/** The map layer that a moving layer is drawn below: the first of the layers above it. */
export function above(moving: PictureLayer): string | undefined {
  const all = mapLayers();
  return all.slice(all.indexOf(moving) + 1).find((layer) => !layer.moving && !layer.below)?.id;
}
