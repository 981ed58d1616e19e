/** Components that are fetched when they are first shown; the second time they are there at once. */
import type { Component } from 'svelte';
import type { Lazy } from './room';

type State = { Shown?: Component<object>; problem?: unknown };
const states = new WeakMap<object, State>();
let arrived = $state(0);

/** The component, or why it did not come; neither while it is on its way. Reactive. */
export function loaded<Props extends object>(load: Lazy<Props>): State {
  void arrived;
  const known = states.get(load);
  if (known) return known;
  const state: State = {};
  states.set(load, state);
  load()
    .then((module) => (state.Shown = module.default as Component<object>))
    .catch((error: unknown) => (state.problem = error))
    .finally(() => (arrived += 1));
  return state;
}
