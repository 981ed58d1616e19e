import { defineRoom } from '$shell/room';
import { msg } from './messages';

export default defineRoom({
  name: 'training',
  pages: [
    {
      path: '/training',
      title: msg.title,
      nav: { group: 'people' },
      icon: 'school',
      may: 'training.read',
      load: () => import('./Page.svelte'),
    },
    // anybody who holds a certificate checks it
    { path: '/training/certificate', title: msg.certificate, icon: 'school', load: () => import('./Certificate.svelte') },
  ],
});
