/** What a person does with the session. */
import { frame } from '$shell/frame.svelte';
import type { Action } from '$shell/room';
import { router } from '$shell/router.svelte';
import { session } from '$shell/session.svelte';
import { msg } from './messages';

export const changePassword: Action = {
  id: 'session.password',
  title: msg.changePassword,
  icon: 'user',
  menu: 'account',
  when: () => session.signedIn,
  run: () => frame.open(() => import('./Password.svelte'), {}),
};
export const mySessions: Action = {
  id: 'session.list',
  title: msg.mySessions,
  icon: 'list',
  menu: 'account',
  may: 'sign-in.manage',
  run: () => frame.open(() => import('./Sessions.svelte'), {}),
};
export const signOut: Action = {
  id: 'session.sign-out',
  title: msg.signOut,
  icon: 'out',
  menu: 'account',
  when: () => session.signedIn,
  run: async () => {
    await session.signOut();
    router.go('/sign-in');
  },
};
