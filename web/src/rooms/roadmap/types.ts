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
/** Of the draws: mean, median, and the 5th and 95th percentile. */
export interface Spread {
  mean: number;
  p5: number;
  p50: number;
  p95: number;
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
  alone: { costMthb: number; benefitMthb: number; netPresentValueMthb: number; netPresentValue: Spread } | null;
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
  /** Of the entities behind the value, those that somebody wrote by hand. */
  byHand: number;
  status: string;
  reasons: (Message | string)[];
  measures: { id: string; name: Message; removes: number | null; closesPercent: number | null; chosen: boolean }[];
}
export interface Chosen {
  id: string;
  name: Message;
  agency: string;
  startYear: number;
  worksFrom: number;
  costInProgrammeMthb: number;
  addsMthb: number;
}
/** One plan with what it costs and brings. Money in million baht, expected, and as a spread of the draws. */
export interface Plan {
  chosen: Chosen[];
  years: { year: number; spendingMthb: number; spending: Spread | null; limitMthb: number | null; overBudgetShare: number | null; benefitMthb: number }[];
  totals: { spendingInProgrammeMthb: number; costMthb: number; benefitMthb: number; netPresentValueMthb: number };
  draws: {
    count: number;
    overBudgetShare: number;
    /** All costs high or low together. */
    common: { overBudgetShare: number; spendingInProgramme: Spread };
    lossShare: number;
    netPresentValue: Spread;
    spendingInProgramme: Spread;
    costs: Spread;
    benefits: Spread;
    benefitCostRatio: Spread | null;
  };
  effects: { indicator: string; name: Message; unit: Message; before: number; after: number; afterLow: number; afterHigh: number; target: number | null; targetKind: string | null; targetYear?: number | null }[];
  solver: { name: string; proved: boolean; gapMthb: number | null; seconds: number };
}
export interface NotChosen {
  id: string;
  name: Message;
  code: string;
  text: Message | null;
  lossMthb: number | null;
  breakEvenMthb: number | null;
  breakEven: { indicator: string; name: Message; unit: Message; value: number | null }[];
}
export interface UnitValue {
  indicator: string;
  name: Message;
  unit: Message | null;
  mthbPerUnit: Sourced;
  livesPerUnit: number | null;
  lifeMthb: { low: number; likely: number; high: number } | null;
  remaining: number | null;
  benefitShare: number | null;
}
export type Status = 'running' | 'done' | 'none' | 'timeLimit' | 'failed';
export interface Portfolio extends Plan {
  id: string;
  name: Message;
  origin: string;
  computedAt: string;
  inputsKey: string;
  stale: boolean;
  criterion: Message;
  terms: { firstYear: number; totalMthb: number; yearlyMthb: number[]; discountRate: number; horizonYears: number; withinBudgetShare: number };
  alternative: Plan & { likelyNetPresentValueMthb: number };
  notChosen: NotChosen[];
  values: UnitValue[];
  sources: Record<'capex' | 'opex' | 'effects' | 'values' | 'costsAndEffects', { total: number; withSource: number }>;
  /** Indicators that the plan rests on, and that were changed by hand or contradict their parts. */
  contested: { id: string; name: Message }[];
  unmeasured: Record<string, { id: string; name: Message }[]>;
  rules: Message;
  robustness: { status: Status; samples: number; asked: number; chosenShare: Record<string, number>; regret: Partial<Record<'recommended' | 'nominal', Spread | null>> };
}
/** A stored run in short. */
export interface Run {
  id: string;
  name: Message;
  computedAt: string;
  inputsKey: string;
  terms: Portfolio['terms'];
  draws: Plan['draws'];
  chosen: string[];
  status: Status;
  samples: number;
}
export const localId = (id: string): string => id.slice(id.lastIndexOf(':') + 1);
