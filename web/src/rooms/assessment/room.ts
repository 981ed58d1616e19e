import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'assessment',
  pages: [
    { path: '/assessment', title: msg.title, nav: { group: 'evidence' }, icon: 'chart', load: () => import('./Page.svelte') },
    { path: '/assessment/indicator', title: msg.indicator, icon: 'chart', load: () => import('./IndicatorPage.svelte') },
  ],
});
