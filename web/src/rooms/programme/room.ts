import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'programme',
  pages: [{ path: '/programme', title: msg.title, nav: { group: 'plans', after: '/roadmap', title: msg.short }, icon: 'flag', load: () => import('./Page.svelte') }],
});
