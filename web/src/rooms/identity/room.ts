import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'identity',
  pages: [{ path: '/sign-in', title: msg.title, load: () => import('./SignIn.svelte') }],
});
