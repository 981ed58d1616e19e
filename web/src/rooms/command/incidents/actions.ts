/** How incidents begin: from a call, or from an alert. */
import { frame } from '$shell/frame.svelte';
import type { Action } from '$shell/room';
import { incidentOf, isOpenAlert } from '../core/state';
import { msg } from './messages';

const dialog = () => import('./NewIncident.svelte');

export const create: Action = {
  id: 'incident.create',
  title: msg.newIncident,
  icon: 'plus',
  may: 'incident.create',
  changes: true,
  begins: true,
  page: '/',
  run: ({ picture }) => frame.open(dialog, { alert: null, picture: picture! }),
};

export const createFromAlert: Action = {
  id: 'incident.create-from-alert',
  title: msg.makeIncident,
  key: 'i',
  icon: 'plus',
  on: ['Alert'],
  may: 'incident.create',
  changes: true,
  page: '/',
  when: ({ entity }) => entity !== null && isOpenAlert(entity) && incidentOf(entity) === null,
  run: ({ entity, picture }) => frame.open(dialog, { alert: entity, picture: picture! }),
};

export const openOfAlert: Action = {
  id: 'incident.of-alert',
  title: msg.openIncident,
  key: 'i',
  icon: 'chevron',
  on: ['Alert'],
  when: ({ entity }) => entity !== null && incidentOf(entity) !== null,
  run: ({ entity, picture }) => picture?.select(incidentOf(entity!)),
};
