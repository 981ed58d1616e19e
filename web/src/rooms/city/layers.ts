/** Layers of the city pack that are more than signs. */
import { token } from '$lib/theme.svelte';
import type { Layer } from '$shell/room';

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
  { id: 'stops', cluster: { radius: 34, maxZoom: 14 } },
  { id: 'schools', cluster: { radius: 34, maxZoom: 13 } },
];
