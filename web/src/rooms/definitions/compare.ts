/** The difference of two versions of a definition, field by field and line by line. */
import type { FormField } from '$generated/api';
import { lines, type Choices, type Document } from './form';

/** A line of one side; `alike` is the number of equal lines that stand here on both sides. */
export type Part = { text: string; differs: boolean } | { alike: number };
export interface FieldDifference {
  field: FormField;
  before: Part[];
  after: Part[];
}

/** Fields whose values differ. `null`: there is no such definition. */
export function differences(fields: readonly FormField[], before: Document | null, after: Document | null, choices: Choices): FieldDifference[] {
  return fields.flatMap((field) => {
    if (field.name === 'code') return [];
    const [old, now] = [before, after].map((side) => lines(field, side?.[field.name], choices)) as [string[], string[]];
    return same(old, now) ? [] : [{ field, ...sides(old, now) }];
  });
}

const same = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && one.every((line, at) => line === other[at]);

/** Both sides with a long run of equal lines as its length only. */
function sides(before: readonly string[], after: readonly string[]): { before: Part[]; after: Part[] } {
  const found = { before: [] as Part[], after: [] as Part[] };
  let run: string[] = [];
  const flush = () => {
    for (const side of [found.before, found.after]) {
      if (run.length > 2) side.push({ alike: run.length });
      else side.push(...run.map((text) => ({ text, differs: false })));
    }
    run = [];
  };
  for (const { text, on } of steps(before, after)) {
    if (on === 'both') run.push(text);
    else {
      flush();
      found[on].push({ text, differs: true });
    }
  }
  flush();
  return found;
}

/** Lines in order, by the longest common subsequence. */
function steps(before: readonly string[], after: readonly string[]): { text: string; on: 'before' | 'after' | 'both' }[] {
  // longest[i][j]: the length of the common part of before[i…] and after[j…]
  const longest = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      longest[i]![j] = before[i] === after[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
  const found: { text: string; on: 'before' | 'after' | 'both' }[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      found.push({ text: before[i]!, on: 'both' });
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && longest[i + 1]![j]! >= longest[i]![j + 1]!)) found.push({ text: before[i++]!, on: 'before' });
    else found.push({ text: after[j++]!, on: 'after' });
  }
  return found;
}
