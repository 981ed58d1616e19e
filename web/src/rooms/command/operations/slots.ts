import type { Facts } from '../core/situation.svelte';
import type { WorkList } from '../core/work';

declare module '$shell/room' {
  interface Slots {
    /** Figures in the top bar of every page, for staff. */
    'operations.bar': Filler<{ facts: Facts }>;
    /** After the state of the connection: what the present is made of. */
    'operations.present': Filler<Record<string, never>>;
    /** Lines above the map: what the picture cannot show now. */
    'operations.notices': Filler<{ picture: Picture }>;
    /** Tabs of the queue. */
    'operations.queue': WorkList;
  }
}
