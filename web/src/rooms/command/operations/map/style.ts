/** The map's style from the theme's tokens. Geometry comes from the platform's own tiles, letters from local fonts. */
import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import type { Lang } from '$lib/i18n.svelte';
import { token } from '$lib/theme.svelte';
import { SEVERITIES } from '$components/severity';
import { LAYERS, type LayerId } from '../layers';

const FONT = ['IBM Plex Sans Thai'];
const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
/** Sources that are ours besides the layers'. */
export const SELECTED = 'selected';
export const ROUTE = 'route';

/** Layers whose marks join when they would hide each other: pixels, and the scale from which on each stands for itself. */
const CLUSTERS: Partial<Record<LayerId, { clusterRadius: number; clusterMaxZoom: number; clusterProperties?: Record<string, unknown> }>> = {
  stops: { clusterRadius: 34, clusterMaxZoom: 14 },
  schools: { clusterRadius: 34, clusterMaxZoom: 13 },
  police: { clusterRadius: 30, clusterMaxZoom: 13 },
  fire: { clusterRadius: 30, clusterMaxZoom: 13 },
  health: { clusterRadius: 30, clusterMaxZoom: 13 },
  devices: { clusterRadius: 34, clusterMaxZoom: 14 },
  units: { clusterRadius: 26, clusterMaxZoom: 14, clusterProperties: { busy: ['+', ['get', 'order']] } },
  alerts: { clusterRadius: 18, clusterMaxZoom: 15, clusterProperties: { order: ['max', ['get', 'order']] } },
};
export const CLUSTERED = Object.keys(CLUSTERS) as LayerId[];
/** Name of the map layer of a layer's clusters. */
export const clusterOf = (id: LayerId): string => `${id}-many`;
const SINGLE: ExpressionSpecification = ['!', ['has', 'point_count']];
const MANY: ExpressionSpecification = ['has', 'point_count'];

export function mapStyle(lang: Lang): StyleSpecification {
  const label: ExpressionSpecification = ['coalesce', ['get', lang], ['get', lang === 'th' ? 'en' : 'th'], ['get', 'name'], ''];
  const halo = { 'text-color': token('--map-text'), 'text-halo-color': token('--map-halo'), 'text-halo-width': 1.4 };
  const sources: Record<string, SourceSpecification> = {
    base: { type: 'vector', tiles: [`${location.origin}/tiles/base/{z}/{x}/{y}.mvt`], minzoom: 0, maxzoom: 14 },
    [SELECTED]: { type: 'geojson', data: EMPTY },
    [ROUTE]: { type: 'geojson', data: EMPTY },
  };
  for (const layer of LAYERS) if (layer.id !== 'vehicles') sources[layer.id] = { type: 'geojson', data: EMPTY, ...(layer.id in CLUSTERS ? { cluster: true, ...CLUSTERS[layer.id] } : {}) };

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
  const marks: LayerSpecification[] = [
    {
      id: 'lines',
      type: 'line',
      source: 'lines',
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': token('--text-muted'), 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 1.6, 15, 4], 'line-opacity': 0.75 },
    },
    {
      id: 'route',
      type: 'line',
      source: ROUTE,
      layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': token('--accent'), 'line-width': 4, 'line-opacity': 0.9 },
    },
    {
      id: 'accidents',
      type: 'circle',
      source: 'accidents',
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, ['case', ['>', ['get', 'deaths'], 0], 3, 1.8], 15, ['case', ['>', ['get', 'deaths'], 0], 8, 5]],
        'circle-color': token('--text-muted'),
        'circle-opacity': ['case', ['>', ['get', 'deaths'], 0], 0.85, 0.4],
        'circle-stroke-color': token('--text'),
        'circle-stroke-width': ['case', ['>', ['get', 'deaths'], 0], 1.2, 0],
      },
    },
    {
      id: 'selected-ring',
      type: 'circle',
      source: SELECTED,
      paint: { 'circle-radius': 22, 'circle-color': token('--accent'), 'circle-opacity': 0.22, 'circle-stroke-color': token('--accent'), 'circle-stroke-width': 2.5 },
    },
    ...(['stops', 'schools', 'police', 'fire', 'health'] as const).flatMap((id): LayerSpecification[] => [place(id, halo), crowd(id, halo)]),
    ...(['weather', 'devices'] as const).map((id): LayerSpecification => ({
      id,
      type: 'symbol',
      source: id,
      filter: SINGLE,
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'text-field': ['step', ['zoom'], ['get', 'short'], 12.5, ['concat', ['get', 'name'], '\n', ['get', 'short']]],
        'text-font': FONT,
        'text-size': 12,
        'text-variable-anchor': ['top', 'right', 'left', 'bottom'],
        'text-radial-offset': 1,
        'text-justify': 'auto',
        'text-optional': true,
      },
      paint: halo,
    })),
    crowd('devices', halo),
    {
      id: 'units',
      type: 'symbol',
      source: 'units',
      filter: SINGLE,
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.62, 13, 1],
        'symbol-sort-key': ['get', 'order'],
        'text-field': ['step', ['zoom'], '', 13, ['get', 'name']],
        'text-font': FONT,
        'text-size': 12,
        'text-anchor': 'top',
        'text-offset': [0, 1.2],
        'text-optional': true,
      },
      paint: halo,
    },
    crowd('units', halo),
    ...(['incidents', 'alerts'] as const).map((id): LayerSpecification => ({
      id,
      type: 'symbol',
      source: id,
      filter: SINGLE,
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.8, 13, 1],
        'symbol-sort-key': ['get', 'order'],
        'text-field': ['step', ['zoom'], '', id === 'incidents' ? 11 : 13.5, ['get', 'name']],
        'text-font': FONT,
        'text-size': 13,
        'text-anchor': 'left',
        'text-offset': [1.5, 0],
        'text-max-width': 12,
        'text-optional': true,
      },
      paint: { ...halo, 'text-color': token('--text') },
    })),
    {
      // The worst of them, and how many: nothing grave ever hides behind something slight.
      id: clusterOf('alerts'),
      type: 'symbol',
      source: 'alerts',
      filter: MANY,
      layout: {
        'icon-image': ['match', ['get', 'order'], ...SEVERITIES.slice(0, -1).flatMap((severity, rank) => [10 - rank, `alert-${severity}`]), 'alert-Unknown'] as unknown as ExpressionSpecification,
        'icon-allow-overlap': true,
        'icon-size': 1.15,
        'symbol-sort-key': ['get', 'order'],
        'text-field': ['concat', '×', ['to-string', ['get', 'point_count']]],
        'text-font': FONT,
        'text-size': 13,
        'text-anchor': 'left',
        'text-offset': [0.95, 0],
        'text-allow-overlap': true,
      },
      paint: { ...halo, 'text-color': token('--text') },
    },
  ];
  // Rain gauges of a district lie where its name would be: the name steps aside.
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

/** Several marks of a layer in one place: its sign with their number. */
function crowd(id: 'stops' | 'schools' | 'police' | 'fire' | 'health' | 'devices' | 'units', halo: object): LayerSpecification {
  const layer = LAYERS.find((l) => l.id === id);
  return {
    id: clusterOf(id),
    type: 'symbol',
    source: id,
    filter: MANY,
    ...(layer?.minZoom ? { minzoom: layer.minZoom } : {}),
    layout: {
      'icon-image': id === 'units' ? 'unit-many' : `place-${id}-many`,
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.85, 13, 1],
      'icon-allow-overlap': true,
      'text-field': ['get', 'point_count_abbreviated'],
      'text-font': FONT,
      'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 12.5],
      'text-offset': [0.72, 0],
      'text-allow-overlap': true,
    },
    paint: { ...halo, 'text-color': token(id === 'units' ? '--text' : '--text-muted'), 'text-halo-color': token('--surface') },
  };
}

function place(id: 'stops' | 'schools' | 'police' | 'fire' | 'health', halo: object): LayerSpecification {
  const layer = LAYERS.find((l) => l.id === id);
  return {
    id,
    type: 'symbol',
    source: id,
    filter: SINGLE,
    ...(layer?.minZoom ? { minzoom: layer.minZoom } : {}),
    layout: {
      'icon-image': ['get', 'icon'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.7, 14, 1],
      'icon-allow-overlap': true,
      'text-field': ['step', ['zoom'], '', 13.5, ['get', 'name']],
      'text-font': FONT,
      'text-size': 12,
      'text-anchor': 'top',
      'text-offset': [0, 0.9],
      'text-max-width': 9,
      'text-optional': true,
    },
    paint: halo,
  };
}
