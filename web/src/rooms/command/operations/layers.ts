/** What the map can show, in drawing order (first lies lowest). */
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { layers, types } from '$entities/vocabulary';

export type LayerId = string;
export interface Layer {
  id: LayerId;
  words: Message;
  types: readonly string[];
  /** Shown when the address says nothing. */
  on: boolean;
  /** Watched within the viewport only, because there may be very many. */
  byView?: boolean;
  /** Part of the watch that the queue needs anyway. */
  core?: boolean;
  /** Symbols appear from this zoom on. */
  minZoom?: number;
}

const CORE = new Set(['units', 'incidents', 'alerts']);
const BY_VIEW = new Set(['vehicles']);
export const LAYERS: readonly Layer[] = Object.entries(layers).map(([id, { words, on, minZoom }]) => ({
  id,
  words,
  on,
  minZoom,
  types: Object.keys(types).filter((type) => types[type]?.layer === id),
  core: CORE.has(id),
  byView: BY_VIEW.has(id),
}));
export const layerOf = (id: LayerId): Layer => LAYERS.find((layer) => layer.id === id)!;
export const DEFAULT_ON: readonly LayerId[] = LAYERS.filter((layer) => layer.on).map((layer) => layer.id);

/** Layers in the address: only what differs from the default, "~schools,-weather". */
export function readLayers(text: string | null): Set<LayerId> {
  const on = new Set<LayerId>(DEFAULT_ON);
  for (const part of (text ?? '').split(',')) {
    const id = part.slice(1) as LayerId;
    if (!LAYERS.some((layer) => layer.id === id)) continue;
    if (part.startsWith('-')) on.delete(id);
    else on.add(id);
  }
  return on;
}
export function writeLayers(on: ReadonlySet<LayerId>): string | null {
  const parts = LAYERS.filter((layer) => on.has(layer.id) !== layer.on).map((layer) => (on.has(layer.id) ? '~' : '-') + layer.id);
  return parts.length ? parts.join(',') : null;
}

const ENDED_ALERT = new Set(['cleared', 'closed']);
const ENDED_INCIDENT = new Set(['closed', 'cancelled']);
export const isOpenAlert = (alert: LiveEntity): boolean => !ENDED_ALERT.has(String(alert.a['alertStatus']));
export const isOpenIncident = (incident: LiveEntity): boolean => !ENDED_INCIDENT.has(String(incident.a['incidentStatus']));
