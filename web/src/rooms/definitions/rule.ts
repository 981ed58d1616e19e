/** The parts of an alert rule that the form shows; the rest stays as it is. */
import { list, record } from './form';

export const ORDERINGS = ['>=', '>', '<', '<='] as const;
export type Ordering = (typeof ORDERINGS)[number];
export interface Limit {
  attr: string;
  op: Ordering;
  /** '' while nothing is entered. */
  value: number | string;
}
export type Definition = Readonly<Record<string, unknown>>;

/** The comparison of one value with one limit; null for every other condition. */
export function limitOf(condition: unknown): Limit | null {
  const { attr, op, value, ...rest } = record(condition);
  if (typeof attr !== 'string' || Object.keys(rest).length > 0) return null;
  if (!ORDERINGS.includes(op as Ordering) || Array.isArray(value) || typeof value === 'boolean' || value === undefined || value === null) return null;
  return { attr, op: op as Ordering, value: value as number | string };
}

/** Can the form show it? An empty definition is a new rule. */
export function isSimple(definition: unknown): boolean {
  const one = record(definition);
  if (typeof definition === 'string') return false;
  if (Object.keys(one).length === 0) return true;
  return limitOf(one['when']) !== null && (one['clear'] === undefined || limitOf(one['clear'])?.attr === limitOf(one['when'])!.attr) && typeof record(one['select'])['type'] === 'string';
}

/** A new rule, to be filled in. */
export const begin = (): Definition => ({ select: { type: '' }, when: { attr: '', op: '>=', value: '' }, severity: 'Moderate', category: 'Other', headline: { th: '{name}', en: '{name}' } });

const UNITS = { D: 1440, H: 60, M: 1 } as const;
/** Whole minutes of an ISO 8601 duration; null for another one. */
export function minutesOf(duration: unknown): number | null {
  if (duration === undefined) return 0;
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(String(duration));
  if (!found) return null;
  return Number(found[1] ?? 0) * UNITS.D + Number(found[2] ?? 0) * UNITS.H + Number(found[3] ?? 0) * UNITS.M;
}
/** The definition with another member, or without it for undefined. The order of the members stays. */
export function withMember(definition: Definition, name: string, value: unknown): Definition {
  const copy: Record<string, unknown> = { ...definition, [name]: value };
  if (value === undefined) delete copy[name];
  return copy;
}
export const withMinutes = (definition: Definition, name: string, minutes: number): Definition => withMember(definition, name, minutes > 0 ? `PT${minutes}M` : undefined);

export const bandsOf = (severity: unknown): (readonly [unknown, unknown])[] => list(record(severity)['bands']).map((pair) => [list(pair)[0], list(pair)[1]] as const);
/** The other side of an ordering: where the alert should end. */
export const opposite = (op: Ordering): Ordering => (({ '>=': '<', '>': '<=', '<': '>=', '<=': '>' }) as const)[op];
