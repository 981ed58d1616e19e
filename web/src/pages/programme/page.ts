import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/programme', title: msg.title, order: 6, icon: 'flag', load: () => import('./Page.svelte') });
