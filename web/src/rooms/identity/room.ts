import { defineRoom } from '$shell/room';
import { changePassword, mySessions, signOut } from './actions';
import { msg } from './messages';

export default defineRoom({
  name: 'identity',
  pages: [{ path: '/sign-in', title: msg.title, load: () => import('./SignIn.svelte') }],
  actions: [changePassword, mySessions, signOut],
});
