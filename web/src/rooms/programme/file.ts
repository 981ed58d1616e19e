/** An objective as a file for spreadsheets: one value in a cell, numbers as numbers, each with its unit. */
import type { Cell } from '$lib/csv';
import { date } from '$lib/format';
import { nameText, t } from '$lib/i18n.svelte';
import { statusWords } from './format';
import { msg } from './messages';
import type { Change, Objective, Shares } from './types';

const COLUMNS: readonly (keyof Shares)[] = ['installed', 'achieved', 'accepted'];
/** 0 to 1 as percent; null where nothing is known. */
const percent = (share: number | null): number | null => (share === null ? null : Math.round(share * 10_000) / 100);
const percents = (of: Shares | Change): Cell[] => COLUMNS.map((one) => percent(of[one]));

export function objectiveCells(objective: Objective, index: number): Cell[][] {
  const name = t(msg.objective, { n: index + 1 });
  const none: Cell[] = [null, null, null];
  const change = (title: string): string => `${title}: ${t(msg.change)} (${t(msg.points)})`;
  const rows: Cell[][] = [
    [
      ...[msg.objectiveColumn, msg.part, msg.deliverable, msg.evidence, msg.dueDate, msg.target, msg.installed, msg.achieved, msg.accepted, msg.unit].map((one) => t(one)),
      ...[msg.installed, msg.achieved, msg.accepted].map((one) => change(t(one))),
      t(msg.state),
    ],
    [name, null, null, null, null, null, ...percents(objective), '%', ...none, null],
  ];
  for (const row of objective.deliverables) {
    const head: Cell[] = [name, nameText(row.part), nameText(row.title)];
    rows.push([...head, null, date(row.due), null, ...percents(row), '%', ...percents(row.change), t(statusWords[row.status])]);
    for (const check of row.checks) {
      const unit = check.measure === 'share' ? '%' : t(msg.items);
      const achieved = check.showsOperation ? check.achieved : null;
      rows.push([...head, nameText(check.title), null, check.target, check.installed, achieved, null, unit, ...none, null]);
    }
  }
  return rows;
}
