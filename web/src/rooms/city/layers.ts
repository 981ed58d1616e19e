/** Layers of the city's facts and feeds that are more than signs. */
import { figureText, typeRow } from '$entities/describe';
import { token } from '$lib/theme.svelte';
import { isGlyph } from '$map/glyphs';
import { crowd, figures } from '$map/marks';
import { signOf } from '$map/symbols';
import type { LiveEntity } from '$lib/live';
import type { Layer } from '$shell/room';

/** The sign of a station and the figure next to it. */
function station(entity: LiveEntity): { icon: string; figure: string } {
  const icon = typeRow(entity)?.icon;
  return { icon: signOf(isGlyph(icon) ? icon : 'dot'), figure: figureText(entity) };
}

export const layers: readonly Layer[] = [
  {
    id: 'lines',
    shape: true,
    below: 'route',
    style: ({ id }) => [
      {
        id,
        type: 'line',
        source: id,
        layout: { 'line-join': 'round', 'line-cap': 'round' },
        paint: { 'line-color': token('--text-muted'), 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 1.6, 15, 4], 'line-opacity': 0.75 },
      },
    ],
  },
  {
    id: 'accidents',
    below: 'ring',
    properties: (entity) => ({ deaths: typeof entity.a['deaths'] === 'number' ? entity.a['deaths'] : 0 }),
    style: ({ id }) => [
      {
        id,
        type: 'circle',
        source: id,
        paint: {
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, ['case', ['>', ['get', 'deaths'], 0], 3, 1.8], 15, ['case', ['>', ['get', 'deaths'], 0], 8, 5]],
          'circle-color': token('--text-muted'),
          'circle-opacity': ['case', ['>', ['get', 'deaths'], 0], 0.85, 0.4],
          'circle-stroke-color': token('--text'),
          'circle-stroke-width': ['case', ['>', ['get', 'deaths'], 0], 1.2, 0],
        },
      },
    ],
  },
  { id: 'stops', cluster: { radius: 34, maxZoom: 14 } },
  { id: 'schools', cluster: { radius: 34, maxZoom: 13 } },
  { id: 'weather', properties: station, style: ({ id }) => [figures(id)] },
  { id: 'devices', properties: station, cluster: { radius: 34, maxZoom: 14 }, style: ({ id }) => [figures(id), crowd(id, `${signOf('sensor')}-many`)] },
];
