/** What a page or a room puts into the frame: the picture it shows, a dialog, a question. */
import { Act } from '$lib/act.svelte';
import type { Message } from '$lib/i18n.svelte';
import type { Lazy, Picture } from './room';
import { router } from './router.svelte';

/** A component that is shown over everything until it calls `onclose`. */
export interface DialogProps {
  onclose: () => void;
}

class Frame {
  /** The picture of the page that is shown, if it has one. */
  picture: Picture | null = $state.raw(null);
  /** The name of the exercise that is shown, or ''; null: the real city. */
  exercise: string | null = $state(null);
  /** The display of a control room: nothing to press, large letters (`?wall=1`). */
  wall: boolean = $derived(router.query.get('wall') === '1');
  paletteOpen: boolean = $state(false);
  dialog: { load: Lazy<DialogProps>; props: object } | null = $state.raw(null);
  question: { title: Message; text: Message; answer: (yes: boolean) => void } | null = $state.raw(null);
  /** Actions from the palette run here; the frame shows what stops them. */
  act = new Act();
  #waiting: ((picture: Picture) => void)[] = [];

  /** Call in an $effect; returns the clean-up. */
  use(picture: Picture): () => void {
    this.picture = picture;
    for (const take of this.#waiting.splice(0)) take(picture);
    return () => (this.picture = null);
  }
  /** The picture, as soon as a page shows one. */
  whenPicture(): Promise<Picture> {
    return this.picture ? Promise.resolve(this.picture) : new Promise((take) => this.#waiting.push(take));
  }
  open<Props extends DialogProps>(load: Lazy<Props>, props: Omit<Props, 'onclose'>): void {
    this.dialog = { load: load as Lazy<DialogProps>, props };
  }
  /** Ask before something is done; true: yes. */
  ask(title: Message, text: Message): Promise<boolean> {
    return new Promise((take) => {
      this.question = {
        title,
        text,
        answer: (yes) => {
          this.question = null;
          take(yes);
        },
      };
    });
  }
}
export const frame = new Frame();
