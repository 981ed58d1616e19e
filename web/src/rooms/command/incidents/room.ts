import { countOf } from '$lib/evidence';
import { defineRoom } from '$shell/room';
import { find } from './find';
import { session } from '$shell/session.svelte';
import { OPEN_INCIDENTS, openIncidents } from '../core/state';
import { create, createFromAlert, openOfAlert } from './actions';
import { layer } from './layer';
import { msg } from './messages';

export default defineRoom({
  name: 'command.incidents',
  layers: [layer],
  pages: [{ path: '/incidents', title: msg.allIncidents, nav: { group: 'now', after: '/' }, icon: 'list', may: 'incident.read', layout: 'scroll', load: () => import('./Page.svelte') }],
  panels: { Incident: () => import('./IncidentPanel.svelte') },
  find,
  actions: [create, createFromAlert, openOfAlert],
  slots: {
    'operations.bar': [{ load: () => import('./Counts.svelte') }],
    'operations.queue': [
      {
        id: 'incidents',
        title: msg.tabIncidents,
        after: 'known',
        figure: countOf('Incident', OPEN_INCIDENTS),
        rows: (picture) => openIncidents(picture.ofType('Incident')),
        empty: { title: msg.noIncidents, text: () => (session.may('incident.create') ? msg.noIncidentsText : null) },
        load: () => import('./IncidentRow.svelte'),
      },
    ],
  },
});
