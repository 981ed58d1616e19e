import type { SectionProps } from '../core/work';

declare module '$shell/room' {
  interface Slots {
    /** Sections of an incident's panel, between its next steps and its checklist. */
    'incident.sections': Filler<SectionProps>;
    /** Marks next to the state of an incident, in its panel and in the queue. */
    'incident.marks': Filler<PanelProps>;
  }
}
