import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'connectivity',
  pages: [{ path: '/connectivity', title: msg.title, nav: { group: 'evidence', after: '/assessment', title: msg.short }, icon: 'signal', load: () => import('./Page.svelte') }],
});
