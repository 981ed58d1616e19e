import type { Grid } from '$components/StudyMap.svelte';
import type { Message } from '$lib/i18n.svelte';

export interface Range {
  best: number;
  low: number;
  high: number;
}
export interface Covered {
  people: Range;
  sharePercent: Range;
  areaSharePercent: number;
}
export interface Run {
  id: string;
  name: Message;
  band: string;
  bandName: Message;
  siteCount: number;
  origin: string;
  modifiedAt: string;
  covered: Record<'outdoor' | 'indoor-low-loss' | 'indoor-high-loss', Covered>;
  capacity: { totalGbps: number; medianSinrDb: number; sitesServing: number };
  budget: Record<string, unknown> & { limitedBy: 'uplink' | 'downlink' };
  sources?: Record<string, string>;
  sourceChecks?: Record<string, { checkText?: Message | null }>;
  method: Message;
  limits: Message;
  grid?: Grid;
  sites?: { id: string; location: GeoJSON.Point }[];
}
export interface Case {
  id: string;
  name: Message;
  rule: string;
  ruleCheckText?: Message | null;
  spectrumMhz: number;
  peopleIndoors: Range;
  peopleIndoorsToday?: Range;
  peopleOutdoors: Range;
  sharePercent: Range;
  edgeRateMbps: number | null;
  perPersonMbps: number | null;
  note: Message;
}
export interface Policy {
  origin: string;
  residents: number;
  cases: Case[];
  together: { peopleIndoors: Range; sharePercent: Range; note: Message };
  assumptions: { name: string; value: number | number[]; text: Message; checkText?: Message | null }[];
  method: Message;
  limits: Message;
}
