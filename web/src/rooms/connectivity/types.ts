import type { Constant } from '$components/Constants.svelte';
import type { Grid } from '$components/StudyMap.svelte';
import type { Message } from '$lib/i18n.svelte';

export interface Range {
  best: number;
  low: number;
  high: number;
}
export interface ExtraLoss {
  extraLossDb: number;
  sharePercent: number;
}
/** People served by one measure. A run of an earlier version has the range alone. */
export interface Served {
  people: Range;
  sharePercent: Range;
  contributions?: { name: Message; low: number; high: number }[];
  byExtraLoss?: ExtraLoss[];
}
export interface Covered extends Served {
  areaSharePercent: number;
  expected?: Served;
}
export type Place = 'outdoor' | 'indoor-low-loss' | 'indoor-high-loss';
export interface Run {
  id: string;
  name: Message;
  band: string;
  bandName: Message;
  siteCount: number;
  origin: string;
  modifiedAt: string;
  population?: Message;
  covered: Record<Place, Covered>;
  capacity: { totalGbps: number; medianSinrDb: number; sitesServing: number };
  budget: Record<string, unknown> & { limitedBy: 'uplink' | 'downlink' };
  constants?: Constant[];
  method: Message;
  limits: Message;
  grid?: Grid;
  sites?: { id: string; location: GeoJSON.Point }[];
}
export type Measure = 'expected' | 'threshold';
export interface Share extends Range {
  people: Range;
  byExtraLoss: ExtraLoss[];
}
export interface Case {
  id: string;
  name: Message;
  rule: Message | null;
  ruleCheckText?: Message | null;
  spectrumMhz: number;
  /** Null where a measure does not apply to the case. */
  measures: Record<Place, Record<Measure, Share | null>>;
  edgeRateMbps: number | null;
  perPersonMbps: number | null;
  note: Message;
}
export interface Policy {
  origin: string;
  residents: number;
  population: Message;
  threshold: number;
  extraLossDb: number[];
  cases: Case[];
  verdicts: { place: Place; holds: boolean; leader: string | null; text: Message }[];
  soWhat: Message;
  assumptions: { name: string; value: number | number[]; text: Message; checkText?: Message | null }[];
  method: Message;
  limits: Message;
}
