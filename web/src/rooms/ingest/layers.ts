/** Layers of feeds: stations with their figures, accidents by their gravity. */
import { figureText, typeRow } from '$entities/describe';
import type { LiveEntity } from '$lib/live';
import { token } from '$lib/theme.svelte';
import { glyphOf } from '$map/glyphs';
import { crowd, figures } from '$map/marks';
import { signOf } from '$map/symbols';
import type { Layer } from '$shell/room';

/** The sign of a station and the figure next to it. */
const station = (entity: LiveEntity, now: number): { icon: string; figure: string } => ({ icon: signOf(glyphOf(typeRow(entity)?.icon)), figure: figureText(entity, now) });

export const layers: readonly Layer[] = [
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
  { id: 'weather', properties: station, style: ({ id }) => [figures(id)] },
  { id: 'devices', properties: station, cluster: { radius: 34, maxZoom: 14 }, style: ({ id }) => [figures(id), crowd(id, `${signOf('sensor')}-many`)] },
];
