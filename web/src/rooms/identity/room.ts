import { defineRoom } from '$shell/room';
import { signOut } from './actions';
import { msg } from './messages';

export default defineRoom({
  name: 'identity',
  pages: [{ path: '/sign-in', title: msg.title, load: () => import('./SignIn.svelte') }],
  actions: [signOut],
});
