/**
 * The live picture: a selection of watches at one moment. The address bar holds the choices (`sel`, `at`, `layers`,
 * `map`), the rest is derived; components only read it. It names no type: rooms say which types are always watched.
 */
import { untrack } from 'svelte';
import { router } from '$shell/router.svelte';
import { attributes } from '$generated/vocabulary';
import { rooms } from '$shell/registry';
import type { Picture, PictureLayer } from '$shell/room';
import { session } from '$shell/session.svelte';
import { clock } from '$lib/clock.svelte';
import { anchor, grow, holds, type Box } from '$lib/geo';
import type { LiveEntity } from '$lib/live';
import { countOf, type FigureOf } from '$lib/evidence';
import { Live, type Watch } from '$lib/socket.svelte';
import { mapLayers, readLayers, writeLayers } from './layers';

/** Attributes that refer to the place of a thing without one. */
const PLACED_BY = Object.keys(attributes).filter((name) => attributes[name]?.place);
const NONE: readonly LiveEntity[] = [];

/** What one layer shows, worked out once for the map, the list and the legend. */
class Shown {
  entities: readonly LiveEntity[];
  constructor(picture: LivePicture, layer: PictureLayer) {
    const all = $derived.by((): readonly LiveEntity[] => {
      if (layer.core) return layer.types.flatMap((type) => picture.ofType(type));
      const view = picture.watchOf(layer.id)?.view;
      return view ? [...view.entities.values()] : NONE;
    });
    this.entities = $derived(layer.shown ? layer.shown(all) : all);
  }
}

export class LivePicture implements Picture {
  readonly layers = mapLayers();
  /** Always watched: what lists and panels need, whatever the map shows. */
  readonly #held = [...this.layers.filter((layer) => layer.core).flatMap((layer) => layer.types), ...rooms.flatMap((room) => room.watches ?? [])];
  live = new Live();
  core: Watch;
  #watches: Readonly<Record<string, Watch>> = $state.raw({});
  /** Viewport as the map last said; null before the map is there. */
  box: Box | null = $state.raw(null);
  /** What watches of moving layers ask for: the viewport and a margin. */
  #watchedBox: Box | null = $state.raw(null);
  /** A route drawn on the map, such as that of a unit. */
  route: GeoJSON.Geometry | null = $state.raw(null);
  /** Something was selected by a key: its panel takes the focus. */
  focusPanel = $state(false);
  openedFrom: HTMLElement | null = null;
  /** Set by the page that has the map. */
  show: (entity: LiveEntity) => void = () => {};
  fit: () => void = () => {};

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
  /** ms at which the record of this tenant begins; null before that is known. */
  recordedSince: number | null = $state(null);
  /** The moment shown is before the record begins: nothing is known of it. */
  unrecorded = $derived(this.at !== null && this.recordedSince !== null && this.at < this.recordedSince);
  /** "Now" for ages and durations. */
  now = $derived(this.at ?? clock.now);
  connection = $derived(this.live.connection);

  constructor() {
    this.core = this.live.watch({ types: this.#held, at: this.#iso() });
  }

  // -- contents -----------------------------------------------------------------------------------------------
  /** Everything that is always watched has arrived. */
  complete = $derived.by(() => this.core.view.complete);
  problem = $derived.by(() => this.core.problem);
  #byType = $derived.by(() => {
    const found = new Map<string, LiveEntity[]>();
    for (const entity of this.core.view.entities.values()) {
      for (const type of entity.types) {
        const same = found.get(type);
        if (same) same.push(entity);
        else found.set(type, [entity]);
      }
    }
    return found;
  });
  /** All that is always watched of one type. */
  ofType(type: string): readonly LiveEntity[] {
    return this.#byType.get(type) ?? NONE;
  }
  #shown = new Map(this.layers.map((layer) => [layer.id, new Shown(this, layer)]));
  /** Where the count of a layer comes from: a moving one counts within the viewport and a margin. */
  figureOf(layer: PictureLayer): FigureOf {
    return countOf(layer.types.join(), layer.q, { box: layer.moving ? this.#watchedBox : null });
  }
  watchOf(layer: string): Watch | undefined {
    return this.#watches[layer];
  }

  selectedEntity = $derived.by(() => (this.selected === null ? null : this.find(this.selected)));

  /** Entities of a layer as it is drawn now; empty when it is off. */
  entitiesOf(layer: PictureLayer): readonly LiveEntity[] {
    return this.on.has(layer.id) ? (this.#shown.get(layer.id)?.entities ?? NONE) : NONE;
  }
  loading(layer: PictureLayer): boolean {
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
   * What one entity refers to by its id. Views of fast movers are asked only for ids of their own types: a
   * reader of such a view reacts to every move, and most references point elsewhere.
   */
  refer(id: string): LiveEntity | null {
    const type = id.split(':')[2] ?? '';
    const core = this.core.view.entities.get(id);
    if (core) return core;
    for (const layer of this.layers) {
      if (layer.moving && !layer.types.includes(type)) continue;
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

  // -- acts ---------------------------------------------------------------------------------------------------
  select(id: string | null): void {
    router.set({ sel: id }, true);
  }
  /** Select from a list; opened by a key (a click without a pointer), the panel takes the focus. */
  openFrom(event: MouseEvent, id: string): void {
    this.openedFrom = event.currentTarget as HTMLElement;
    this.focusPanel = event.detail === 0;
    this.select(id);
  }
  toggleLayer(id: string): void {
    const on = new Set(this.on);
    if (!on.delete(id)) on.add(id);
    router.set({ layers: writeLayers(on) });
  }
  goTo(at: number | null): void {
    if (at === null || at >= clock.now - 1000) router.set({ at: null });
    else router.set({ at: new Date(Math.round(at / 1000) * 1000).toISOString().replace('.000', '') });
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
      untrack(() => this.core.set({ types: this.#held, at }));
    });
    $effect(() => {
      const at = this.#iso();
      const box = this.#watchedBox;
      const on = this.on;
      untrack(() => this.#watchLayers(on, box, at));
    });
  }

  #watchLayers(on: ReadonlySet<string>, box: Box | null, at: string | null): void {
    const next = { ...this.#watches };
    for (const layer of this.layers) {
      if (layer.core) continue;
      const spec = { types: layer.types, bbox: layer.moving ? box : null, at };
      const present = next[layer.id];
      if (!on.has(layer.id) || (layer.moving && box === null)) {
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
}
const wider = (outer: Box, inner: Box): number => (outer[2] - outer[0]) / Math.max(1e-9, inner[2] - inner[0]);
