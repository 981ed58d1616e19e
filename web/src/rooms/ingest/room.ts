import { defineRoom } from '$shell/room';

export default defineRoom({
  name: 'ingest',
  slots: {
    'data.sections': [
      { load: () => import('./Feeds.svelte') },
      { load: () => import('./Letters.svelte'), roles: ['operator', 'dispatcher', 'analyst'] },
    ],
  },
});
