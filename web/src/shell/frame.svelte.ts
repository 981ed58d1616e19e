/** What a page may put into the frame while it is shown: a piece of the top bar, commands, an exercise mark. */
import type { Snippet } from 'svelte';
import type { IconName } from '$components/icons';

export interface Command {
  id: string;
  label: string;
  hint?: string;
  icon?: IconName;
  run: () => void;
}

class Frame {
  /** Drawn in the middle of the top bar. */
  bar: Snippet | null = $state.raw(null);
  /** Offered in the command palette; a function, so that it is asked when the palette opens. */
  commands: (() => Command[]) | null = $state.raw(null);
  /** Set when what is shown is an exercise; its name or ''. */
  exercise: string | null = $state(null);
  paletteOpen: boolean = $state(false);

  /** Call in an $effect; returns the clean-up. */
  use(parts: { bar?: Snippet; commands?: () => Command[] }): () => void {
    if (parts.bar) this.bar = parts.bar;
    if (parts.commands) this.commands = parts.commands;
    return () => {
      if (parts.bar) this.bar = null;
      if (parts.commands) this.commands = null;
    };
  }
}
export const frame = new Frame();
