import type { WorkList } from '../core/work';

declare module '$shell/room' {
  interface Slots {
    /** Figures in the top bar. */
    'operations.bar': Filler<{ picture: Picture }>;
    /** Tabs of the queue. */
    'operations.queue': WorkList;
  }
}
