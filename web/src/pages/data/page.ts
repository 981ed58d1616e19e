import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/data', title: msg.title, order: 7, icon: 'database', load: () => import('./Page.svelte') });
