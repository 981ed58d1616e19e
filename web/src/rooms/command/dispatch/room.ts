import { defineRoom } from '$shell/room';
import { choose } from './actions';
import { layer } from './layer';
import { msg } from './messages';

export default defineRoom({
  name: 'command.dispatch',
  pages: [{ path: '/units', title: msg.board, nav: { group: 'now', after: '/', title: msg.boardShort }, icon: 'truck', may: 'incident.read', load: () => import('./UnitBoard.svelte') }],
  layers: [layer],
  watches: ['Assignment'],
  actions: [choose],
  slots: {
    'operations.bar': [{ load: () => import('./Counts.svelte') }],
    'map.legend': [{ load: () => import('./UnitLegend.svelte') }],
    'incident.marks': [{ load: () => import('./Marks.svelte') }],
    'incident.sections': [{ load: () => import('./Units.svelte') }],
  },
});
