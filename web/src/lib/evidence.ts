/** Where a number comes from: its kind and key at the door of evidence, and the page that shows it. */
import { wire } from './api';

/** Kind and key of a figure, such as ['indicator', 'road-deaths']. */
export type FigureOf = readonly [kind: string, key: string];

export const figureKey = ([kind, key]: FigureOf): string => `${kind}/${key}`;

const path = ([kind, key]: FigureOf): string => `${encodeURIComponent(kind)}/${encodeURIComponent(key)}`;

/** The page of a figure. `at`: a past instant, ms. The page shows the same exercise as the one that links to it. */
export function evidenceLink(of: FigureOf, at: number | null = null): string {
  const query = new URLSearchParams();
  if (at !== null) query.set('at', new Date(at).toISOString());
  if (wire.tenant) query.set('tenant', wire.tenant);
  return `/evidence/${path(of)}${query.size ? `?${query}` : ''}`;
}

/** The address of its data. */
export const evidencePath = (of: FigureOf): string => `/api/evidence/${path(of)}`;

/** The figure that the path of a page names; null where it names none. */
export function figureOf(pagePath: string): FigureOf | null {
  const [, page, kind, ...key] = pagePath.split('/');
  if (page !== 'evidence' || !kind || key.length === 0) return null;
  try {
    const figure = [decodeURIComponent(kind), decodeURIComponent(key.join('/'))] as const;
    return figure[1] ? figure : null;
  } catch {
    return null;
  }
}

/** The figure of a count: `type=Incident`, with the query of NGSI-LD that narrows it. `attribute`: the one whose values are listed;
 * `box`: west, south, east, north. */
export function countOf(types: string, q = '', { attribute = '', box = null }: { attribute?: string; box?: readonly number[] | null } = {}): FigureOf {
  const query = [`type=${encodeURIComponent(types)}`];
  if (q) query.push(`q=${encodeURIComponent(q)}`);
  if (box) query.push(`bbox=${box.map((degrees) => degrees.toFixed(4)).join()}`);
  if (attribute) query.push(`attribute=${encodeURIComponent(attribute)}`);
  return ['entities', query.join('&')];
}

/** The figure of one value of one entity. */
export const valueOf = (entity: string, attribute: string): FigureOf => ['attribute', `${entity}~${attribute}`];
