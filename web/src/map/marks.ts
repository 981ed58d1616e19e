/** Parts of a layer's style that layers share: symbols with a name, clusters with their number. */
import type { ExpressionSpecification, LayerSpecification, SymbolLayerSpecification } from 'maplibre-gl';
import { token } from '$lib/theme.svelte';

export const FONT = ['IBM Plex Sans Thai'];
/** Filters: a mark of its own, and a mark for several. */
export const SINGLE: ExpressionSpecification = ['!', ['has', 'point_count']];
export const MANY: ExpressionSpecification = ['has', 'point_count'];
/** Name of the map layer of a layer's clusters. */
export const manyOf = (id: string): string => `${id}-many`;
/** Letters on the quiet ground. */
export const letters = (): NonNullable<SymbolLayerSpecification['paint']> => ({
  'text-color': token('--map-text'),
  'text-halo-color': token('--map-halo'),
  'text-halo-width': 1.4,
});
/** Letters that matter more than the names of the ground. */
export const strongLetters = (): NonNullable<SymbolLayerSpecification['paint']> => ({ ...letters(), 'text-color': token('--text') });
export const symbols = (id: string, layout: SymbolLayerSpecification['layout'], paint = letters(), minZoom?: number, filter: ExpressionSpecification = SINGLE): SymbolLayerSpecification => ({
  id,
  type: 'symbol',
  source: id,
  filter,
  ...(minZoom === undefined ? {} : { minzoom: minZoom }),
  layout: { 'icon-allow-overlap': true, 'text-font': FONT, ...layout },
  paint,
});

/** A sign for each place, its name when one is near enough. */
export const signs = (id: string, minZoom?: number): LayerSpecification =>
  symbols(
    id,
    {
      'icon-image': ['get', 'icon'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.7, 14, 1],
      'text-field': ['step', ['zoom'], '', 13.5, ['get', 'name']],
      'text-size': 12,
      'text-anchor': 'top',
      'text-offset': [0, 0.9],
      'text-max-width': 9,
      'text-optional': true,
    },
    letters(),
    minZoom,
  );

/** A sign for each station with its figure. Give `figure` among the properties. */
export const figures = (id: string): LayerSpecification =>
  symbols(id, {
    'icon-image': ['get', 'icon'],
    'text-field': ['step', ['zoom'], ['get', 'figure'], 12.5, ['concat', ['get', 'name'], '\n', ['get', 'figure']]],
    'text-size': 12,
    'text-variable-anchor': ['top', 'right', 'left', 'bottom'],
    'text-radial-offset': 1,
    'text-justify': 'auto',
    'text-optional': true,
  });

/** Several marks of a layer in one place: its sign with their number. */
export const crowd = (id: string, image: string | ExpressionSpecification, color = '--text-muted', minZoom?: number): LayerSpecification => ({
  ...symbols(
    id,
    {
      'icon-image': image,
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.85, 13, 1],
      'text-field': ['get', 'point_count_abbreviated'],
      'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 12.5],
      'text-offset': [0.72, 0],
      'text-allow-overlap': true,
    },
    { ...letters(), 'text-color': token(color), 'text-halo-color': token('--surface') },
    minZoom,
    MANY,
  ),
  id: manyOf(id),
});
