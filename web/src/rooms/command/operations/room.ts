import { defineRoom } from '$shell/room';
import { fit, goLive, keysHelp, search, showList, wall } from './actions';
import { msg } from './messages';

export default defineRoom({
  name: 'command.operations',
  pages: [{ path: '/', title: msg.title, nav: { group: 'now' }, icon: 'map', layout: 'fill', load: () => import('./Page.svelte') }],
  actions: [goLive, showList, fit, keysHelp, wall],
  search,
  slots: { 'frame.bar': [{ load: () => import('./TopBar.svelte') }] },
});
