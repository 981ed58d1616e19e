import type { Message } from '$lib/i18n.svelte';

export interface GapRow {
  role: string;
  competency: string;
  level: number;
  posts: number;
  holders: number;
  expiring: number;
  below: number;
  expired: number;
  unknown: number;
  missing: number;
}
export interface Overview {
  time: string;
  competencies: { id: string; name: Message; area: string; reference: string }[];
  roles: { id: string; name: Message; posts: number; basis: Message; members: number }[];
  gap: GapRow[];
  members: number;
  simulatedMembers: number;
  courses: Course[];
}
export interface Question {
  id: string;
  text: Message;
  /** In the order of this person and this try, under ids that hold for them only. */
  choices: { id: string; text: Message }[];
}
export interface Step {
  id: string;
  kind: 'read' | 'quiz' | 'drill';
  title: Message;
  minutes: number;
  body: Message[];
  passShare: number;
  /** `role`: only for a drill in this role. */
  grants: { competency: string; level: number; role: string }[];
  /** Absent in the overview. */
  questions?: Question[];
}
export interface Passed {
  passed: boolean;
  /** Of a step that is only read: null. */
  score: number | null;
  at: string;
  /** Of a text that is being read: when it can be confirmed. */
  readyAt?: string;
}
export interface Certificate {
  id: string;
  number: string;
  personName: string;
  course: Message;
  issuedAt: string;
  validUntil: string;
  percent: number;
  /** Certificates of older versions have no issuer, and the two lists are empty. */
  issuer: Message | null;
  competencies: { name: Message; level: number }[];
  tries: { step: Message; kind: 'quiz' | 'drill'; number: number }[];
  simulated: boolean;
  valid: boolean;
}
export interface Course {
  id: string;
  title: Message;
  summary: Message;
  steps: Step[];
  progress?: Record<string, Passed>;
  /** Step → how often it was tried; drills that were given up count. */
  tries?: Record<string, number>;
  certificate?: Certificate | null;
}
export interface Review {
  id: string;
  right: string;
  given: string;
  why: Message;
}
export interface Criterion {
  id: string;
  title: Message;
  points: number;
  of: number;
  measured: number | string | Message | null;
  unit: string;
  target: number | string | Message;
  /** These are absent in scores of older versions: of the events it rests on, and what would have been right. */
  times?: string[];
  entities?: string[];
  right?: Message;
  why?: Message;
  /** Why what was done did not count; absent in scores of older versions, which do not say it. */
  note?: Message | null;
}
export interface Score {
  points: number;
  of: number;
  percent: number;
  passed: boolean;
  criteria: Criterion[];
  /** Whatever the points are, one of these fails the drill; absent in scores of older versions. */
  critical?: { id: string; title: Message; times: string[] }[];
}
export interface Scenario {
  id: string;
  title: Message;
  briefing: Message;
  limitSeconds: number;
  /** The parts that the reader has every right for. */
  roles: string[];
}
export interface Live {
  id: string;
  a: Record<string, unknown>;
  c?: string;
}
export interface Drill {
  drill: Live;
  score: Score | null;
}
export const localId = (urn: string): string => urn.slice(urn.lastIndexOf(':') + 1);
