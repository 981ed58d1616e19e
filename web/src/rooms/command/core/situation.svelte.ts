/**
 * Alerts, incidents, units and their assignments on pages without a picture: one watch of the live socket, kept while
 * somebody looks. With a picture (the operations page) its facts count, so that bar and map never differ.
 */
import { untrack } from 'svelte';
import type { LiveEntity } from '$lib/live';
import { Live, type Connection, type Watch } from '$lib/socket.svelte';
import { clock } from '$lib/clock.svelte';
import { frame } from '$shell/frame.svelte';
import { router } from '$shell/router.svelte';
import { session } from '$shell/session.svelte';

const TYPES = ['Alert', 'Incident', 'Assignment', 'EmergencyUnit'];

/** What the bar and the board read; a picture has it too. */
export interface Facts {
  ofType(type: string): readonly LiveEntity[];
  find(id: string): LiveEntity | null;
  readonly complete: boolean;
  readonly connection: Connection;
  /** The past is shown. */
  readonly replay: boolean;
  readonly now: number;
  /** ms of the moment shown, or null: now. */
  readonly at: number | null;
}

class Situation implements Facts {
  #live = new Live();
  #watch: Watch = this.#live.watch({ types: TYPES });
  #users = 0;
  readonly replay = false;
  readonly at = null;

  connection = $derived(this.#live.connection);
  complete = $derived.by(() => this.#watch.view.complete);
  now = $derived(clock.now);
  /** Newest word of the platform, ms. */
  newestAt = $derived.by(() => (this.#watch.view.time ? Date.parse(this.#watch.view.time) : null));
  #byType = $derived.by(() => {
    const found = new Map<string, LiveEntity[]>();
    for (const entity of this.#watch.view.entities.values()) found.set(entity.type, [...(found.get(entity.type) ?? []), entity]);
    return found;
  });

  ofType(type: string): readonly LiveEntity[] {
    return this.#byType.get(type) ?? [];
  }
  find(id: string): LiveEntity | null {
    return this.#watch.view.entities.get(id) ?? null;
  }

  /** Keep it up to date while `wanted`. Call once while a component is set up. */
  follow(wanted: () => boolean): void {
    $effect(() => {
      if (!wanted()) return;
      untrack(() => {
        this.#users += 1;
        if (this.#users === 1) this.#live.start();
      });
      return () => {
        this.#users -= 1;
        if (this.#users === 0) this.#live.stop();
      };
    });
    let before = '';
    $effect(() => {
      const rights = `${session.principal?.id ?? ''} ${router.query.get('tenant') ?? ''}`;
      if (before !== '' && before !== rights) untrack(() => this.#live.restart());
      before = rights;
    });
  }
}
export const situation = new Situation();
/** Those of the picture that is shown, otherwise the situation's own. */
export const facts = (): Facts => frame.picture ?? situation;
