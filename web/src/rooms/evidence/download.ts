/** All entities behind a figure, below a header, as rows of a CSV file, fetched in large pages. */
import { api } from '$lib/api';
import type { Cell } from '$lib/csv';
import { evidencePath, type FigureOf } from '$lib/evidence';
import { nameText, t } from '$lib/i18n.svelte';
import type { EvidenceAnswer, EvidenceEntity } from '$generated/api';
import { msg } from './messages';
import { attributeIn, handIn, kindIn, nameIn } from './words';

const PAGE = 1000;
const MOST = 20_000;

const header = (): string[] =>
  [msg.id, msg.name, msg.kind, msg.formulaPart, msg.value, msg.unit, msg.time, msg.recorded, msg.origin, msg.dataset, msg.datasetCode, msg.source, msg.licence, msg.note, msg.hand].map((words) => t(words));

export async function everyRow(figure: FigureOf, at: string | null): Promise<Cell[][]> {
  const rows: Cell[][] = [header()];
  for (let offset = 0; offset < MOST; offset += PAGE) {
    const page = await api.get<EvidenceAnswer>(evidencePath(figure), { query: { offset, limit: PAGE, at } });
    rows.push(...page.entities.map(cells));
    if (offset + PAGE >= page.total) break;
  }
  return rows;
}

const cells = (row: EvidenceEntity): Cell[] => [
  row.id,
  nameIn(row),
  kindIn(row),
  attributeIn(row),
  raw(row.value),
  row.unit,
  row.time,
  row.modifiedAt,
  row.origin,
  row.dataset ? nameText(row.dataset.title) : '',
  row.dataset?.code,
  row.source,
  row.licence,
  row.note ? t(row.note) : '',
  row.byHand ? handIn(row.byHand) : '',
];

function raw(value: unknown): Cell {
  if (Array.isArray(value)) return value.map(raw).join('; ');
  if (value !== null && typeof value === 'object') return nameText(value);
  return value as Cell;
}
