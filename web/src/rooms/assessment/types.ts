import type { Constant } from '$components/Constants.svelte';
import type { Grid } from '$components/StudyMap.svelte';
import type { Message } from '$lib/i18n.svelte';

export interface Range {
  best: number;
  low: number;
  high: number;
}
export interface Input {
  name: string;
  label: Message | null;
  value: number | null;
  period: string | null;
  source: string | null;
  entitiesTotal: number;
  leftOut: number;
  byHand: number;
  reason: unknown;
}
export interface Indicator {
  id: string;
  entity: string;
  name: Message;
  code: string | null;
  domain: string;
  unit: Message;
  /** '+' more is better, '-' less is better, 'ctx' context only. */
  direction: string;
  form: 'amount' | 'change';
  status: 'computed' | 'insufficientData';
  value: number | null;
  low: number | null;
  high: number | null;
  digits: number;
  reasons: (Message | string)[];
  period: string | null;
  population: Message | null;
  note: Message | null;
  owner: string | null;
  quality: { step: number };
  /** Of the entities behind the value, those that somebody wrote by hand. */
  byHand: number;
  /** What contradicts the value, such as parts that add up to another total. */
  doubts: Message[];
  method: Message;
  formulaText: Message;
  sources: string[];
  inputs: Input[];
  computedAt: string;
  target: { value: number; year: number; kind: 'national' | 'declared'; sourceText: Message; text: Message; checkText?: Message | null } | null;
  peers: { place: Message; year: number; value: number; sourceText: Message; checkText?: Message | null }[];
  /** `met` is null where the range holds the target, or the value reaches it by data that somebody wrote by hand or that contradicts itself. */
  benchmark: { met: boolean | null; gap: number; gapPercent: number | null } | null;
  trend: { years: [string, number][]; held: Message[] };
}
export interface Indicators {
  computedAt: string;
  counts: { computed: number; insufficientData: number };
  indicators: Indicator[];
}
export interface Place {
  id: string;
  name: Message;
  location: GeoJSON.Point;
  /** Null for a place that does not count, whatever the roads. */
  toRoadM: number | null;
  counts: boolean;
  reason: Message | null;
  nearestForResidents: number;
}
export interface Ring {
  minutes: number;
  people: Range;
  sharePercent: Range;
  contributions: { id: string; name: Message; low: number; high: number }[];
  byArea: { id: string; name: Message; residents: number; people: Range; sharePercent: Range }[];
}
export interface Access {
  kind: string;
  origin: string;
  residents: number;
  population: Message;
  within: Ring[];
  method: Message;
  limits: Message;
  constants: Constant[];
  grid: Grid;
  places: Place[];
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
export interface RankedLink extends Link {
  unstable: boolean;
  firstTenIn: number;
  rankLow: number;
  /** Null where the link is not listed in every case. */
  rankHigh: number | null;
}
export interface Case {
  id: string;
  lostMin: number;
  localStreets: boolean;
  decayMin: number;
  /** Another way of spreading residents; null for the best estimate. */
  spread: Message | null;
  personMinutes: number;
  links: Link[];
}
export interface Criticality {
  origin: string;
  population: Message;
  unit: Message;
  personMinutes: number;
  links: RankedLink[];
  cases: Case[];
  constants: Constant[];
  geojson: GeoJSON.FeatureCollection;
  method: Message;
  limits: Message;
}
