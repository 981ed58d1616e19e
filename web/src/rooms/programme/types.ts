/** The figures of a report of the programme, as the server computes and keeps them. Shapes: docs/rooms/programme.md. */
import type { AcceptanceShown, WithdrawnShown } from '$generated/api';
import type { Message } from '$lib/i18n.svelte';

export type Status = 'done' | 'accepted' | 'late' | 'under-way' | 'installed' | 'not-begun';
export type Share = 'installed' | 'achieved' | 'accepted';
/** 0 to 1 each; `achieved` null: operation cannot show it. */
export interface Shares {
  installed: number;
  achieved: number | null;
  accepted: number;
}
export type Change = Record<Share, number | null>;
export interface Check {
  id: string;
  title: Message;
  measure: string;
  target: number;
  showsOperation: boolean;
  installed: number | null;
  achieved: number | null;
  installedMet: boolean;
  achievedMet: boolean;
  leftOut: Record<string, number>;
  byHand: { name: string; count: number }[];
}
export interface Deliverable extends Shares {
  id: string;
  part: Message;
  title: Message;
  due: string;
  room: string;
  status: Status;
  change: Change;
  checks: Check[];
  acceptances: AcceptanceShown[];
}
export interface Objective extends Shares {
  id: string;
  title: Message;
  deliverables: Deliverable[];
}
export interface Plan {
  version: string;
  title: Message;
  source: Message;
  basis: Message;
  signed: string;
  ends: string;
  letterhead: Message[];
  signOff: Message[];
}
export interface Report extends Shares {
  plan: Plan;
  time: string;
  programmeYear: number;
  objectives: Objective[];
  /** Acceptances that counted once; a report from before withdrawals has no list. */
  withdrawn?: WithdrawnShown[];
  milestones: { id: string; title: Message; due: string; fact: boolean; status: Status }[];
  /** `recordedSince`: where the platform's record begins after the start, so that a change has no base. */
  quarter: { year: number; quarter: number; from: string; to: string; running: boolean; change: Change; recordedSince?: string | null; due: string[] };
}
