/** Plays the past: moves the moment shown on, at a multiple of the clock. */
import type { LivePicture } from '$map/picture.svelte';

export const SPEEDS = [1, 10, 60, 300];
const TICK_MS = 500;

export class Player {
  playing: boolean = $state(false);
  speed: number = $state(60);
  #carry = 0;
  constructor(readonly picture: LivePicture) {}

  /** Keep the picture moving while it plays. Call once while a component is set up. */
  follow(): void {
    $effect(() => {
      if (this.picture.at === null) this.playing = false;
    });
    $effect(() => {
      if (!this.playing) return;
      const timer = setInterval(() => this.#tick(), TICK_MS);
      return () => clearInterval(timer);
    });
  }
  #tick(): void {
    const { at, fetching } = this.picture;
    if (at === null) return;
    this.#carry += this.speed * TICK_MS;
    if (fetching && this.#carry < 4 * this.speed * TICK_MS) return; // let slow answers come in
    const next = at + this.#carry;
    this.#carry = 0;
    this.picture.goTo(next);
  }
}
