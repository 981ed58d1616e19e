import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/', title: msg.title, order: 1, icon: 'map', layout: 'fill', load: () => import('./Page.svelte') });
