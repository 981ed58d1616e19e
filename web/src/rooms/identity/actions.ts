/** What a person does with the session. */
import type { Action } from '$shell/room';
import { router } from '$shell/router.svelte';
import { session } from '$shell/session.svelte';
import { msg } from './messages';

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
