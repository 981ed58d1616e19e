import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'catalogue',
  pages: [{ path: '/data', title: msg.title, nav: { group: 'city' }, icon: 'database', load: () => import('./Page.svelte') }],
});
