import { definePage } from '$app/pages';
import { msg } from './messages';

export default definePage({
  path: '/training',
  title: msg.title,
  order: 5,
  icon: 'school',
  roles: ['operator', 'dispatcher', 'analyst'],
  load: () => import('./Page.svelte'),
});
