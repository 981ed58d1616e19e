import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'roadmap',
  pages: [{ path: '/roadmap', title: msg.title, nav: { group: 'plans' }, icon: 'route', load: () => import('./Page.svelte') }],
});
