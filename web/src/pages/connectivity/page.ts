import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/connectivity', title: msg.title, order: 3, icon: 'signal', load: () => import('./Page.svelte') });
