import { defineRoom } from '$shell/room';
import { fit, goLive, search, showList } from './actions';
import { msg } from './messages';

export default defineRoom({
  name: 'command.operations',
  pages: [{ path: '/', title: msg.title, nav: { group: 'now' }, icon: 'map', layout: 'fill', load: () => import('./Page.svelte') }],
  actions: [goLive, showList, fit],
  search,
});
