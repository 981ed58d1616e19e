import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/assessment', title: msg.title, order: 2, icon: 'chart', load: () => import('./Page.svelte') });
