import { afterEach, describe, expect, it } from 'vitest';
import { Act } from '$lib/act.svelte';
import type { LiveEntity } from '$lib/live';
import { actionsOn, applies, freeActions, isOffered, perform } from './actions';
import { permissions, type Permission } from '$generated/permissions';
import { frame } from './frame.svelte';
import { actions } from './registry';
import type { Action, Context, Picture } from './room';
import { session, type Principal } from './session.svelte';

const words = { th: 'ทำ', en: 'Do' };
const entity: LiveEntity = { id: 'urn:ngsi-ld:Thing:1', type: 'Thing', types: ['Thing'], a: {} };
const someone = (...may: Permission[]): Principal => ({ id: 'user:a', name: 'A', roles: [], roleNames: [], permissions: may });
const shown = (past: boolean): Picture => ({ replay: past }) as Picture;
const action = (more: Partial<Action> = {}): Action => ({ id: 'x', title: words, icon: 'check', run: () => {}, ...more });
const context = (more: Partial<Context> = {}): Context => ({ entity: null, picture: null, ...more });

afterEach(() => {
  session.principal = null;
  frame.question = null;
});

describe('actions of the rooms', () => {
  it('have different ids', () => expect(new Set(actions.map((one) => one.id)).size).toBe(actions.length));
  it('are for one kind of context each: on an entity, or anywhere', () => {
    session.principal = someone(...(Object.keys(permissions) as Permission[]));
    expect(actionsOn(context()).length).toBe(0);
    expect(freeActions(context()).every((one) => !one.on)).toBe(true);
  });
  it('that change the city need a permission', () => {
    for (const one of actions) if (one.changes) expect(applies({ ...one, on: undefined, when: undefined }, context())).toBe(false);
  });
});

describe('an action', () => {
  it('is offered to those who may, on its types, when it makes sense', () => {
    expect(isOffered(action({ may: 'unit.assign' }), context())).toBe(false);
    session.principal = someone('unit.assign');
    expect(isOffered(action({ may: 'unit.assign' }), context())).toBe(true);
    expect(isOffered(action({ on: ['Thing'] }), context({ entity }))).toBe(true);
    expect(isOffered(action({ on: ['Other'] }), context({ entity }))).toBe(false);
    expect(isOffered(action({ when: () => false }), context())).toBe(false);
  });
  it('that changes the city is not offered while the past is shown', () => {
    expect(isOffered(action({ changes: true }), context({ picture: shown(true) }))).toBe(false);
    expect(isOffered(action({ changes: true }), context({ picture: shown(false) }))).toBe(true);
    expect(isOffered(action(), context({ picture: shown(true) }))).toBe(true);
  });
  it('that asks runs after a yes, and only then', async () => {
    for (const yes of [true, false]) {
      let ran = false;
      const done = perform(action({ confirm: words, run: () => (ran = true) }), context());
      frame.question!.answer(yes);
      await done;
      expect(ran).toBe(yes);
    }
  });
  it('keeps what stopped it for the screen', async () => {
    const act = new Act();
    await perform(action({ run: () => Promise.reject(new Error('no')) }), context(), act);
    expect(act.problem).not.toBeNull();
    expect(act.busy).toBeNull();
  });
});
