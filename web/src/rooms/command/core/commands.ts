/** The command center's HTTP (docs/api.md): each call is one step of a person. */
import { api } from '$lib/api';
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { Severity } from '$components/severity';

const base = '/api/command';
const part = encodeURIComponent;

export type AssignmentDetail = LiveEntity & { allowedSteps?: string[] };
export interface IncidentDetail {
  incident: LiveEntity;
  timeline: LiveEntity[];
  assignments: AssignmentDetail[];
  allowedSteps: string[];
}
export interface Candidate {
  unit: LiveEntity;
  etaSeconds: number;
  distanceM: number;
  route?: GeoJSON.Geometry | null;
  reason?: Record<string, unknown>;
}
export interface NewIncident {
  incidentType: string;
  severity: Severity;
  name?: string;
  description?: string;
  location: GeoJSON.Geometry;
  address?: string;
  refAlert?: string;
  reporterName?: string;
  reporterPhone?: string;
}
export const commands = {
  acknowledge: (alert: string, note = '') => api.post(`${base}/alerts/${part(alert)}/acknowledge`, note ? { note } : {}),
  closeAlert: (alert: string, reason: string) => api.post(`${base}/alerts/${part(alert)}/close`, { reason }),
  open: (incident: NewIncident) => api.post<IncidentDetail>(`${base}/incidents`, incident),
  /** `at` in ms: as it was known then; null: now. */
  detail: (incident: string, at: number | null, signal?: AbortSignal) =>
    api.get<IncidentDetail>(`${base}/incidents/${part(incident)}`, { query: { at: at === null ? undefined : new Date(at).toISOString() }, signal }),
  step: (incident: string, step: string, more: { note?: string; outcome?: string } = {}) =>
    api.post<IncidentDetail>(`${base}/incidents/${part(incident)}/steps`, { step, ...more }),
  check: (incident: string, item: Message) => api.post(`${base}/incidents/${part(incident)}/notes`, { item: { th: item.th, en: item.en } }),
  note: (incident: string, text: string) => api.post(`${base}/incidents/${part(incident)}/notes`, { text }),
  candidates: (incident: string, unitType: string, signal?: AbortSignal) =>
    api.get<Candidate[]>(`${base}/incidents/${part(incident)}/candidates`, { query: { unitType: unitType || undefined }, signal }),
  assign: (incident: string, unit: string) => api.post(`${base}/incidents/${part(incident)}/assignments`, { unit }),
  assignmentStep: (assignment: string, step: string) => api.post(`${base}/assignments/${part(assignment)}/steps`, { step }),
  timeline: (from: string, to: string, buckets: number, signal?: AbortSignal) =>
    api.get<unknown>(`${base}/timeline`, { query: { from, to, buckets }, signal }),
};
