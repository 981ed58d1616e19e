import { defineRoom } from '$shell/room';
import { found } from './found.svelte';
import { msg } from './messages';

export default defineRoom({
  name: 'definitions',
  search: () => found.search(),
  pages: [
    { path: '/definitions', title: msg.title, nav: { group: 'administration', title: msg.short }, icon: 'list', may: 'definition.read', load: () => import('./Page.svelte') },
    { path: '/approvals', title: msg.approvals, nav: { group: 'administration', after: '/definitions' }, icon: 'check', may: 'proposal.read', waiting: () => found.waiting(), load: () => import('./Approvals.svelte') },
    { path: '/configuration', title: msg.file, nav: { group: 'administration', after: '/approvals', title: msg.fileShort }, icon: 'note', may: 'config.manage', load: () => import('./Configuration.svelte') },
  ],
});
