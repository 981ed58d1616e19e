import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/roadmap', title: msg.title, order: 4, icon: 'route', load: () => import('./Page.svelte') });
