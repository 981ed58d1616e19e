import { defineRoom } from '$shell/room';
import { layers } from './layers';

export default defineRoom({
  name: 'ingest',
  layers,
  slots: {
    'operations.present': [{ load: () => import('./DemoMark.svelte') }],
    'operations.notices': [{ load: () => import('./FeedNotice.svelte') }],
    'data.sections': [
      { load: () => import('./Feeds.svelte') },
      { load: () => import('./Letters.svelte'), may: 'letter.read' },
    ],
  },
});
