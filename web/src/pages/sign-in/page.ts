import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({ path: '/sign-in', title: msg.title, load: () => import('./Page.svelte') });
