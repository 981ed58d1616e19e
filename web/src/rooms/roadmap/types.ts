import type { Message } from '$lib/i18n.svelte';

export interface Sourced {
  low: number;
  likely: number;
  high: number;
  basis?: Message | null;
  source?: string | null;
  /** How far the source was checked. */
  checkText?: Message | null;
}
export interface Measure {
  id: string;
  name: Message;
  description: Message;
  domain: string;
  agency: string;
  leadYears: number;
  capexMthb: Sourced;
  opexMthb: Sourced;
  effects: { indicator: string; share: Sourced }[];
  requires: string[];
  excludes: string[];
  competencies: string[];
  alone: { costMthb: number; benefitMthb: number; netPresentValueMthb: number; benefitCostRatio: number | null } | null;
  startYear: number | null;
  chosenShare: number | null;
}
export interface Gap {
  id: string;
  indicator: string;
  name: Message;
  unit: Message;
  value: number | null;
  target: { value: number; year: number; kind: string; source: string; text: Message } | null;
  gap: number | null;
  status: string;
  reasons: (Message | string)[];
  measures: { id: string; name: Message; removes: number | null; closesPercent: number | null; chosen: boolean }[];
}
export interface Portfolio {
  id: string;
  name: Message;
  origin: string;
  computedAt: string;
  stale: boolean;
  terms: { firstYear: number; totalMthb: number; yearlyMthb: number[] };
  solver: { name: string; proved: boolean; gapMthb: number; seconds: number };
  chosen: { id: string; name: Message; agency: string; startYear: number; worksFrom: number; costInProgrammeMthb: number; addsMthb: number }[];
  years: { year: number; spendingMthb: number; limitMthb: number | null; benefitMthb: number }[];
  totals: { spendingInProgrammeMthb: number; costMthb: number; benefitMthb: number; netPresentValueMthb: number; benefitCostRatio: number | null };
  effects: { indicator: string; name: Message; unit: Message; before: number; after: number; target: number | null }[];
  rules: Message;
  robustness: { status: string; samples: number; asked: number; chosenShare: Record<string, number> } | null;
}
