/** What can be done with an alert. */
import type { Action } from '$shell/room';
import { commands } from '../core/commands';
import { isOpenAlert } from '../core/state';
import { closing } from './closing.svelte';
import { msg } from './messages';

export const acknowledge: Action = {
  id: 'alert.acknowledge',
  title: msg.acknowledge,
  key: 'a',
  icon: 'check',
  on: ['Alert'],
  may: 'alert.acknowledge',
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
  may: 'alert.close',
  changes: true,
  when: ({ entity }) => entity !== null && isOpenAlert(entity),
  run: ({ entity, picture }) => {
    closing.alert = entity!.id;
    picture?.select(entity!.id);
  },
};
