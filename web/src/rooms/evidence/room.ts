import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'evidence',
  pages: [{ path: '/evidence', title: msg.title, icon: 'search', load: () => import('./Page.svelte') }],
});
