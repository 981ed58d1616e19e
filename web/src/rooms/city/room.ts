import { defineRoom } from '$shell/room';
import { layers } from './layers';
import { msg } from './messages';

export default defineRoom({
  name: 'city',
  layers,
  pages: [{ path: '/registers', title: msg.title, nav: { group: 'administration' }, icon: 'list', may: 'register.manage', load: () => import('./Registers.svelte') }],
});
