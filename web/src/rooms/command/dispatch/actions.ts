/** How units come to an incident. */
import type { Action } from '$shell/room';
import { isOpenIncident } from '../core/state';
import { chooser } from './chooser.svelte';
import { msg } from './messages';

/** Shows the nearest free units in the panel of the incident; one of them is then assigned. */
export const choose: Action = {
  id: 'unit.choose',
  title: msg.nearest,
  icon: 'truck',
  on: ['Incident'],
  may: 'unit.assign',
  changes: true,
  when: ({ entity }) => entity !== null && isOpenIncident(entity),
  run: ({ entity, picture }) => {
    picture?.select(entity!.id);
    chooser.incident = entity!.id;
  },
};
