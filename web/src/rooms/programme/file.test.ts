import { describe, expect, it } from 'vitest';
import { objectiveCells } from './file';
import type { Objective } from './types';

const words = (text: string) => ({ th: text, en: text });
const check = (measure: string) => ({
  id: measure, title: words(measure), measure, target: 8, showsOperation: measure !== 'in-place', installed: 6, achieved: 2,
  installedMet: false, achievedMet: false, leftOut: {}, byHand: [],
}); // prettier-ignore
const OBJECTIVE: Objective = {
  id: 'O1', title: words('O1'), installed: 0.8667, achieved: 0, accepted: 0.2667,
  deliverables: [
    {
      id: 'D1', part: words('Part'), title: words('D1'), due: '2024-09-29T17:00:00Z', room: '/', status: 'late', installed: 0.75, achieved: null,
      accepted: 0.8, change: { installed: null, achieved: null, accepted: 0.0889 }, checks: [check('in-place'), check('share')], acceptances: [],
    },
  ],
}; // prettier-ignore

describe('the file of an objective', () => {
  const [head, objective, deliverable, placed, share] = objectiveCells(OBJECTIVE, 0);
  it('has one value in a cell, below a heading', () => {
    for (const row of [objective, deliverable, placed, share]) expect(row).toHaveLength(head!.length);
    expect(new Set(head).size).toBe(head!.length);
  });
  it('has numbers as numbers with their unit', () => {
    expect(objective!.slice(6, 10)).toEqual([86.67, 0, 26.67, '%']);
    expect(deliverable!.slice(6, 13)).toEqual([75, null, 80, '%', null, null, 8.89]);
    expect(placed!.slice(6, 9)).toEqual([6, null, null]);
    expect(share!.slice(6, 10)).toEqual([6, 2, null, '%']);
  });
  it('has targets, and nothing else, in their column', () => {
    expect([objective, deliverable, placed, share].map((row) => row![5])).toEqual([null, null, 8, 8]);
  });
});
