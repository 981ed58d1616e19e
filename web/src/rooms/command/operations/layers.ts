/** What the map can show, in drawing order (first lies lowest). */
import type { LiveEntity } from '$lib/live';
import { layerWords } from './messages.city';

export type LayerId = keyof typeof layerWords;
export interface Layer {
  id: LayerId;
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

export const LAYERS: readonly Layer[] = [
  { id: 'lines', types: ['PublicTransportRoute'], on: false },
  { id: 'accidents', types: ['RoadAccident'], on: false },
  { id: 'stops', types: ['PublicTransportStop'], on: false, minZoom: 11.5 },
  { id: 'schools', types: ['School'], on: false, minZoom: 11 },
  { id: 'police', types: ['PoliceStation'], on: false },
  { id: 'fire', types: ['FireStation'], on: false },
  { id: 'health', types: ['Hospital', 'Clinic'], on: true },
  { id: 'weather', types: ['WeatherObserved', 'SeaLevelObserved'], on: true },
  { id: 'devices', types: ['Device', 'DeviceMeasurement'], on: true },
  { id: 'vehicles', types: ['Vehicle'], on: true, byView: true },
  { id: 'units', types: ['EmergencyUnit'], on: true, core: true },
  { id: 'incidents', types: ['Incident'], on: true, core: true },
  { id: 'alerts', types: ['Alert'], on: true, core: true },
];
export const layerOf = (id: LayerId): Layer => LAYERS.find((layer) => layer.id === id)!;
export const DEFAULT_ON: readonly LayerId[] = LAYERS.filter((layer) => layer.on).map((layer) => layer.id);

/** Layers in the address: only what differs from the default, "+schools,-weather". */
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
