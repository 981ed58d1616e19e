/** The command center's HTTP (docs/api.md): each call is one step of a person. */
import { api } from '$lib/api';
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { Acknowledge, AddNote, AssignUnit, CandidateAnswer, CheckItem, CloseAlert, CorrectIncident, HandOver, IncidentPage, OpenIncident, SeeHandover, SetUnitStatus, TakeAssignmentStep, TakeIncidentStep } from '$generated/api';

const base = '/api/command';
const part = encodeURIComponent;

export type IncidentStep = TakeIncidentStep['step'];
export type AssignmentStep = TakeAssignmentStep['step'];
export type AssignmentDetail = LiveEntity & { allowedSteps?: AssignmentStep[] };
export interface IncidentDetail {
  incident: LiveEntity;
  timeline: LiveEntity[];
  assignments: AssignmentDetail[];
  allowedSteps: IncidentStep[];
}
/** The body of a command: the path has the id that it names. */
type Body<Command, Id extends keyof Command> = Omit<Command, Id>;
const send = <T, Command, Id extends keyof Command>(path: string, body: Body<Command, Id>) => api.post<T>(`${base}/${path}`, body);

export const commands = {
  acknowledge: (alert: string, note = '') => send<LiveEntity, Acknowledge, 'alert'>(`alerts/${part(alert)}/acknowledge`, note ? { note } : {}),
  closeAlert: (alert: string, reason: string) => send<LiveEntity, CloseAlert, 'alert'>(`alerts/${part(alert)}/close`, { reason }),
  open: (incident: OpenIncident) => api.post<IncidentDetail>(`${base}/incidents`, incident),
  /** `at` in ms: as it was known then; null: now. */
  detail: (incident: string, at: number | null, signal?: AbortSignal) =>
    api.get<IncidentDetail>(`${base}/incidents/${part(incident)}`, { query: { at: at === null ? undefined : new Date(at).toISOString() }, signal }),
  step: (incident: string, step: IncidentStep, more: Omit<Body<TakeIncidentStep, 'incident'>, 'step'> = {}) =>
    send<IncidentDetail, TakeIncidentStep, 'incident'>(`incidents/${part(incident)}/steps`, { step, ...more }),
  correct: (incident: string, change: Body<CorrectIncident, 'incident'>) => send<IncidentDetail, CorrectIncident, 'incident'>(`incidents/${part(incident)}/corrections`, change),
  list: (query: Record<string, string | number | undefined>, signal?: AbortSignal) => api.get<IncidentPage>(`${base}/incidents`, { query, signal }),
  check: (incident: string, item: Message, done: boolean) => send<IncidentDetail, CheckItem, 'incident'>(`incidents/${part(incident)}/notes`, { item: { th: item.th, en: item.en }, done }),
  note: (incident: string, text: string) => send<IncidentDetail, AddNote, 'incident'>(`incidents/${part(incident)}/notes`, { text }),
  handOver: (incident: string, text: string) => send<IncidentDetail, HandOver, 'incident'>(`incidents/${part(incident)}/handover`, { text }),
  seeHandover: (incident: string) => send<IncidentDetail, SeeHandover, 'incident'>(`incidents/${part(incident)}/handover/seen`, {}),
  candidates: (incident: string, unitType: string, signal?: AbortSignal) =>
    api.get<CandidateAnswer[]>(`${base}/incidents/${part(incident)}/candidates`, { query: { unitType: unitType || undefined }, signal }),
  assign: (incident: string, unit: string) => send<IncidentDetail, AssignUnit, 'incident'>(`incidents/${part(incident)}/assignments`, { unit }),
  assignmentStep: (assignment: string, step: AssignmentStep, farConfirmed = false) =>
    send<IncidentDetail, TakeAssignmentStep, 'assignment'>(`assignments/${part(assignment)}/steps`, farConfirmed ? { step, farConfirmed } : { step }),
  unitStatus: (unit: string, status: SetUnitStatus['status'], note = '') => send<LiveEntity, SetUnitStatus, 'unit'>(`units/${part(unit)}/status`, { status, ...(note ? { note } : {}) }),
  timeline: (from: string, to: string, buckets: number, signal?: AbortSignal) =>
    api.get<unknown>(`${base}/timeline`, { query: { from, to, buckets }, signal }),
};
