/** The columns of a plan's measures. A file says the same years and shares as the page; money stays a number, its unit is in the heading. */
import type { Column } from '$components/table';
import { year } from '$lib/format';
import { nameText, t } from '$lib/i18n.svelte';
import { msg } from './messages';
import { million } from './text';
import type { Chosen } from './types';

export function planColumns(
  agencies: ReadonlyMap<string, string>,
  shares: Readonly<Record<string, number>>,
  shareText: (id: string) => string,
): readonly Column<Chosen>[] {
  return [
    { id: 'name', label: t(msg.measure), text: (r) => nameText(r.name) },
    { id: 'agency', label: t(msg.agency), text: (r) => agencies.get(r.agency) ?? '–' },
    { id: 'start', label: t(msg.start), number: true, text: (r) => year(r.startYear), sort: (r) => r.startYear, raw: (r) => year(r.startYear) },
    { id: 'works', label: t(msg.works), number: true, text: (r) => year(r.worksFrom), sort: (r) => r.worksFrom, raw: (r) => year(r.worksFrom) },
    { id: 'spent', label: t(msg.spent), number: true, text: (r) => million(r.costInProgrammeMthb), sort: (r) => r.costInProgrammeMthb },
    { id: 'adds', label: t(msg.adds), number: true, text: (r) => million(r.addsMthb), sort: (r) => r.addsMthb },
    { id: 'chosen', label: t(msg.robust), number: true, text: (r) => shareText(r.id), sort: (r) => shares[r.id] ?? null, raw: (r) => shareText(r.id) },
  ];
}
