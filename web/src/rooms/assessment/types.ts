import type { Grid } from '$components/StudyMap.svelte';
import type { Message } from '$lib/i18n.svelte';

export interface Range {
  best: number;
  low: number;
  high: number;
}
export interface Indicator {
  id: string;
  name: Message;
  code: string | null;
  domain: string;
  unit: Message;
  direction: string;
  status: 'computed' | 'insufficientData';
  /** Never firmer than the inputs: computed, replayed or simulated. */
  origin?: string;
  value: number | null;
  low: number | null;
  high: number | null;
  digits: number;
  reasons: (Message | string)[];
  period: string | null;
  quality: { step: number };
  method: Message;
  formula: string;
  sources: string[];
  inputs: { name: string; value: number | null; period: string | null; source: string | null; entitiesTotal: number; reason: unknown }[];
  computedAt: string;
  target: { value: number; year: number; source: string; text: Message; checkText?: Message | null } | null;
  peers: { place: Message; year: number; value: number; source: string; checkText?: Message | null }[];
  benchmark: { percentOfTarget: number; met: boolean } | null;
}
export interface Indicators {
  computedAt: string;
  counts: { computed: number; insufficientData: number };
  indicators: Indicator[];
}
export interface Access {
  kind: string;
  origin: string;
  residents: number;
  within: { minutes: number; people: Range; sharePercent: Range; byArea: { id: string; name: Message; residents: number; people: Range; sharePercent: Range }[] }[];
  method: Message;
  limits: Message;
  grid: Grid;
  places: { id: string; name: Message; location: GeoJSON.Point }[];
}
export interface Link {
  rank: number;
  name: Message | null;
  ref: string | null;
  lengthM: number;
  personMinutes: number;
  cutOff: number;
  cutFromMainland: boolean;
}
export interface Criticality {
  origin: string;
  links: Link[];
  geojson: GeoJSON.FeatureCollection;
  method: Message;
  limits: Message;
}
