import { countOf } from '$lib/evidence';
import { defineRoom } from '$shell/room';
import { KNOWN_ALERTS, knownAlerts, OPEN_ALERTS, openAlerts } from '../core/state';
import { acknowledge, close } from './actions';
import { layer } from './layer';
import { msg } from './messages';

export default defineRoom({
  name: 'command.signals',
  layers: [layer],
  panels: { Alert: () => import('./AlertPanel.svelte') },
  actions: [acknowledge, close],
  slots: {
    'operations.bar': [{ load: () => import('./Counts.svelte') }],
    'operations.queue': [
      {
        id: 'open',
        title: msg.tabOpen,
        figure: countOf('Alert', OPEN_ALERTS),
        rows: (picture) => openAlerts(picture.ofType('Alert')),
        empty: { title: msg.queueEmpty, text: () => msg.queueEmptyText },
        load: () => import('./AlertRow.svelte'),
      },
      {
        id: 'known',
        title: msg.tabKnown,
        after: 'open',
        figure: countOf('Alert', KNOWN_ALERTS),
        rows: (picture) => knownAlerts(picture.ofType('Alert')),
        empty: { title: msg.knownEmpty, text: () => msg.knownEmptyText },
        load: () => import('./AlertRow.svelte'),
      },
    ],
  },
});
