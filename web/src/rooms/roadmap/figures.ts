/** Where the numbers of this room come from: keys of its kinds of figure (src/andaman/roadmap/figures.py). */
import type { FigureOf } from '$lib/evidence';

export type PlanName = 'recommended' | 'nominal';

/** A figure of a stored plan; `what` is a name such as 'netPresentValue', or a name with a measure, year or indicator: 'adds~speed-cameras'. */
export const ofPlan = (run: string, plan: PlanName, what: string): FigureOf => ['portfolio', `${run}~${plan}~${what}`];
/** A cost or effect of a measure: 'capex', 'opex', 'alone', or an indicator. */
export const ofMeasure = (id: string, what: string): FigureOf => ['measure', `${id}~${what}`];
export const ofUnitValue = (indicator: string): FigureOf => ['unit-value', indicator];
/** How many costs, effects or values have no outside source. */
export const ofSources = (kind: string): FigureOf => ['roadmap-sources', kind];
export const ofGap = (indicator: string, what: string): FigureOf => ['gap', `${indicator}~${what}`];
