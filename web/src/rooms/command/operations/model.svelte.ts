/**
 * What the operations screen shows: a selection of watches at one moment. The address bar holds the choices
 * (`sel`, `at`, `layers`, `map`), this model derives the rest; components only read it.
 */
import { untrack } from 'svelte';
import { router } from '$shell/router.svelte';
import type { Picture } from '$shell/room';
import { session } from '$shell/session.svelte';
import { severityRank } from '$components/severity';
import { clock } from '$lib/clock.svelte';
import { anchor, grow, holds, type Box } from '$lib/geo';
import type { LiveEntity } from '$lib/live';
import { Live, type Watch } from '$lib/socket.svelte';
import { isExercise } from '$entities/describe';
import { attributes } from '$entities/vocabulary';
import { isOpenAlert, isOpenIncident, LAYERS, readLayers, writeLayers, type Layer, type LayerId } from './layers';

/** Attributes that refer to the place of a thing without one. */
const PLACED_BY = Object.keys(attributes).filter((name) => attributes[name]?.place);
const CORE_TYPES = ['Alert', 'Incident', 'Assignment', 'EmergencyUnit'];
export const SPEEDS = [1, 10, 60, 300];
const PLAY_TICK_MS = 500;

export class Operations implements Picture {
  live = new Live();
  core: Watch;
  #watches: Readonly<Record<LayerId, Watch>> = $state.raw({});
  /** Viewport as the map last said; null before the map is there. */
  box: Box | null = $state.raw(null);
  /** What `byView` watches ask for: the viewport and a margin. */
  #watchedBox: Box | null = $state.raw(null);
  playing: boolean = $state(false);
  speed: number = $state(60);
  focusDrawer = $state(false);
  openedFrom: HTMLElement | null = null;
  #carry = 0;

  // -- choices in the address ---------------------------------------------------------------------------------
  selected = $derived(router.query.get('sel'));
  /** ms of the moment shown, or null: live. */
  at = $derived.by(() => {
    const at = Date.parse(router.query.get('at') ?? '');
    return Number.isFinite(at) ? at : null;
  });
  layersText = $derived(router.query.get('layers'));
  on = $derived(readLayers(this.layersText));
  tenant = $derived(router.query.get('tenant') ?? '');

  replay = $derived(this.at !== null);
  /** "Now" for ages and durations. */
  now = $derived(this.at ?? clock.now);
  connection = $derived(this.live.connection);
  mayCommand = $derived(session.has('dispatcher'));
  mayAcknowledge = $derived(session.has('dispatcher', 'operator'));

  constructor() {
    this.core = this.live.watch({ types: CORE_TYPES, at: this.#iso() });
  }

  // -- what is seen -------------------------------------------------------------------------------------------
  byId = $derived.by(() => this.core.view.entities);
  alerts = $derived.by(() => this.#ofType('Alert'));
  incidents = $derived.by(() => this.#ofType('Incident'));
  units = $derived.by(() => this.#ofType('EmergencyUnit'));
  assignments = $derived.by(() => this.#ofType('Assignment'));

  openAlerts = $derived(this.alerts.filter((a) => isOpenAlert(a) && a.a['alertStatus'] !== 'acknowledged').sort(worstFirst));
  knownAlerts = $derived(this.alerts.filter((a) => a.a['alertStatus'] === 'acknowledged').sort(worstFirst));
  openIncidents = $derived(this.incidents.filter(isOpenIncident).sort(worstFirst));
  exercise = $derived(this.incidents.some((e) => isOpenIncident(e) && isExercise(e)) || this.alerts.some((e) => isOpenAlert(e) && isExercise(e)));

  selectedEntity = $derived.by(() => (this.selected === null ? null : this.find(this.selected)));

  /** Entities of a layer as it is drawn now; empty when it is off. */
  entitiesOf(layer: Layer): LiveEntity[] {
    if (!this.on.has(layer.id)) return [];
    if (layer.id === 'alerts') return [...this.openAlerts, ...this.knownAlerts];
    if (layer.id === 'incidents') return this.openIncidents;
    if (layer.id === 'units') return this.units;
    const view = this.#watches[layer.id]?.view;
    return view ? [...view.entities.values()] : [];
  }
  loading(layer: Layer): boolean {
    const watch = layer.core ? this.core : this.#watches[layer.id];
    return this.on.has(layer.id) && (watch === undefined || !watch.view.complete);
  }
  /** Newest word of anything on screen, ms. */
  newestAt = $derived.by(() => {
    let newest = 0;
    for (const watch of [this.core, ...Object.values(this.#watches)]) {
      const at = watch.view.time ? Date.parse(watch.view.time) : 0;
      if (at > newest) newest = at;
    }
    return newest || null;
  });
  /** A past state is being fetched. */
  fetching = $derived.by(() => this.replay && [this.core, ...Object.values(this.#watches)].some((watch) => watch.waiting));

  find(id: string): LiveEntity | null {
    const core = this.core.view.entities.get(id);
    if (core) return core;
    for (const watch of Object.values(this.#watches)) {
      const found = watch.view.entities.get(id);
      if (found) return found;
    }
    return null;
  }
  /**
   * What one entity refers to by its id. Views of fast movers are asked only for ids of their own types: whoever reads
   * them is told of every move, and most references point elsewhere.
   */
  refer(id: string): LiveEntity | null {
    const type = id.split(':')[2] ?? '';
    const core = this.core.view.entities.get(id);
    if (core) return core;
    for (const layer of LAYERS) {
      if (layer.byView && !layer.types.includes(type)) continue;
      const found = this.#watches[layer.id]?.view.entities.get(id);
      if (found) return found;
    }
    return null;
  }
  /** Where it is; an alert without a place of its own is where its source is. */
  placeOf(entity: LiveEntity): [number, number] | null {
    const own = anchor(entity.a['location']);
    if (own) return own;
    for (const name of PLACED_BY) {
      const target = entity.a[name];
      const other = typeof target === 'string' ? this.refer(target) : null;
      const point = other && anchor(other.a['location']);
      if (point) return point;
    }
    return null;
  }

  /** Set by the page that has the map. */
  show: (entity: LiveEntity) => void = () => {};

  // -- acts ---------------------------------------------------------------------------------------------------
  select(id: string | null): void {
    router.set({ sel: id }, true);
  }
  /** Select from a list; opened by a key (a click without a pointer), the drawer takes the focus. */
  openFrom(event: MouseEvent, id: string): void {
    this.openedFrom = event.currentTarget as HTMLElement;
    this.focusDrawer = event.detail === 0;
    this.select(id);
  }
  toggleLayer(id: LayerId): void {
    const on = new Set(this.on);
    if (!on.delete(id)) on.add(id);
    router.set({ layers: writeLayers(on) });
  }
  goTo(at: number | null): void {
    if (at === null || at >= clock.now - 1000) {
      this.playing = false;
      router.set({ at: null });
    } else router.set({ at: new Date(Math.round(at / 1000) * 1000).toISOString().replace('.000', '') });
  }
  togglePlay(): void {
    if (this.at === null) return;
    this.playing = !this.playing;
  }
  see(box: Box): void {
    this.box = box;
    if (!this.#watchedBox || !holds(this.#watchedBox, box) || wider(this.#watchedBox, box) > 6) this.#watchedBox = grow(box, 0.5);
  }

  /** Keep the watches in step with the choices. Call once while a component is set up. */
  follow(): void {
    $effect(() => {
      untrack(() => this.live.start());
      return () => this.live.stop();
    });
    let first = true;
    $effect(() => {
      void this.tenant;
      void session.principal?.id;
      if (!first) untrack(() => this.live.restart());
      first = false;
    });
    $effect(() => {
      const at = this.#iso();
      untrack(() => this.core.set({ types: CORE_TYPES, at }));
    });
    $effect(() => {
      const at = this.#iso();
      const box = this.#watchedBox;
      const on = this.on;
      untrack(() => this.#watchLayers(on, box, at));
    });
    $effect(() => {
      if (!this.playing) return;
      const timer = setInterval(() => {
        if (this.at === null) return;
        this.#carry += this.speed * PLAY_TICK_MS;
        if (this.fetching && this.#carry < 4 * this.speed * PLAY_TICK_MS) return; // let slow answers come in
        const next = this.at + this.#carry;
        this.#carry = 0;
        this.goTo(next);
      }, PLAY_TICK_MS);
      return () => clearInterval(timer);
    });
  }

  #watchLayers(on: ReadonlySet<LayerId>, box: Box | null, at: string | null): void {
    const next = { ...this.#watches };
    for (const layer of LAYERS) {
      if (layer.core) continue;
      const spec = { types: layer.types, bbox: layer.byView ? box : null, at };
      const present = next[layer.id];
      if (!on.has(layer.id) || (layer.byView && box === null)) {
        present?.stop();
        delete next[layer.id];
      } else if (present) present.set(spec);
      else next[layer.id] = this.live.watch(spec);
    }
    if (Object.keys(next).sort().join() !== Object.keys(this.#watches).sort().join()) this.#watches = next;
  }

  #iso(): string | null {
    return this.at === null ? null : new Date(this.at).toISOString();
  }
  #ofType(type: string): LiveEntity[] {
    const found: LiveEntity[] = [];
    for (const entity of this.core.view.entities.values()) if (entity.types.includes(type)) found.push(entity);
    return found;
  }
}

/** Worst first, then newest. */
export function worstFirst(a: LiveEntity, b: LiveEntity): number {
  return severityRank(a.a['severity']) - severityRank(b.a['severity']) || since(b) - since(a);
}
/** When an alert or incident began, ms. */
export function since(entity: LiveEntity): number {
  return Date.parse(String(entity.a['dateIssued'] ?? entity.a['openedAt'] ?? entity.c ?? '')) || 0;
}
const wider = (outer: Box, inner: Box): number => (outer[2] - outer[0]) / Math.max(1e-9, inner[2] - inner[0]);
