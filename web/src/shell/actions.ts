/** Actions of all rooms: which are offered where, and how one is performed. */
import type { Act } from '$lib/act.svelte';
import { frame } from './frame.svelte';
import { actions } from './registry';
import type { Action, Context } from './room';
import { router } from './router.svelte';
import { session } from './session.svelte';

/** May this person, and does it make sense here? Says nothing of the past, in which nothing can be changed. */
export const applies = (action: Action, context: Context): boolean =>
  !frame.wall &&
  session.may(action.may) &&
  (!action.on || (context.entity !== null && action.on.some((type) => context.entity!.types.includes(type)))) &&
  (!action.when || action.when(context));
/** Would be refused because the past is shown. */
export const isPast = (action: Action, context: Context): boolean => action.changes === true && context.picture?.replay === true;
export const isOffered = (action: Action, context: Context): boolean => applies(action, context) && !isPast(action, context);

/** What can be done with the entity of the context. */
export const actionsOn = (context: Context): Action[] => actions.filter((action) => action.on && isOffered(action, context));
/** What can be done anywhere. */
export const freeActions = (context: Context): Action[] => actions.filter((action) => !action.on && isOffered(action, context));

/** Names an action on an entity while it runs. */
export const busyName = (action: Action, context: Context): string => `${action.id} ${context.entity?.id ?? ''}`;

/** Asks if it has to, goes to the page that it needs, and runs. What stops it is kept in `act`. */
export async function perform(action: Action, context: Context, act: Act = frame.act): Promise<void> {
  if (action.confirm && !(await frame.ask(action.title, action.confirm))) return;
  let there = context;
  if (action.page && !context.picture) {
    router.go(action.page);
    there = { ...context, picture: await frame.whenPicture() };
  }
  await act.run(busyName(action, context), async () => action.run(there));
}
