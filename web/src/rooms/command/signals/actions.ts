/** What can be done with an alert. */
import type { Action } from '$shell/room';
import { commands } from '../core/commands';
import { ACTING, isOpenAlert } from '../core/state';
import { closing } from './closing.svelte';
import { msg } from './messages';

export const acknowledge: Action = {
  id: 'alert.acknowledge',
  title: msg.acknowledge,
  icon: 'check',
  on: ['Alert'],
  roles: ACTING,
  changes: true,
  when: ({ entity }) => entity?.a['alertStatus'] === 'open',
  run: ({ entity }) => commands.acknowledge(entity!.id),
};

/** Needs a reason: its panel asks for it. */
export const close: Action = {
  id: 'alert.close',
  title: msg.closeAlert,
  icon: 'close',
  on: ['Alert'],
  roles: ACTING,
  changes: true,
  when: ({ entity }) => entity !== null && isOpenAlert(entity),
  run: ({ entity, picture }) => {
    closing.alert = entity!.id;
    picture?.select(entity!.id);
  },
};
