import { defineRoom } from '$shell/room';
import { choose } from './actions';
import { layer } from './layer';

export default defineRoom({
  name: 'command.dispatch',
  layers: [layer],
  watches: ['Assignment'],
  actions: [choose],
  slots: {
    'operations.bar': [{ load: () => import('./Counts.svelte') }],
    'map.legend': [{ load: () => import('./UnitLegend.svelte') }],
    'incident.sections': [{ load: () => import('./Units.svelte') }],
  },
});
