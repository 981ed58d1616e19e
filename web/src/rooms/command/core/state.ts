/** What the rooms of the command center know together of alerts, incidents and units. */
import { severityRank } from '$components/severity';
import type { LiveEntity } from '$lib/live';
import type { Picture } from '$shell/room';

const ENDED_ALERT = new Set(['cleared', 'closed']);
/** Statuses of an incident that has ended, and the steps to them. */
export const ENDED_INCIDENT = new Set(['closed', 'cancelled']);
/** The choices below as conditions of NGSI-LD. */
export const OPEN_ALERTS = 'alertStatus!="cleared","closed","acknowledged"';
export const KNOWN_ALERTS = 'alertStatus=="acknowledged"';
export const LASTING_ALERTS = 'alertStatus!="cleared","closed"';
export const OPEN_INCIDENTS = 'incidentStatus!="closed","cancelled"';
export const isOpenAlert = (alert: LiveEntity): boolean => !ENDED_ALERT.has(String(alert.a['alertStatus']));
export const isOpenIncident = (incident: LiveEntity): boolean => !ENDED_INCIDENT.has(String(incident.a['incidentStatus']));
/** The incident that was made of an alert. */
export const incidentOf = (alert: LiveEntity): string | null => (typeof alert.a['refIncident'] === 'string' ? alert.a['refIncident'] : null);

/** Worst first, then newest. */
export function worstFirst(a: LiveEntity, b: LiveEntity): number {
  return severityRank(a.a['severity']) - severityRank(b.a['severity']) || since(b) - since(a);
}
/** When an alert or incident began, ms. */
export function since(entity: LiveEntity): number {
  return Date.parse(String(entity.a['dateIssued'] ?? entity.a['openedAt'] ?? entity.c ?? '')) || 0;
}

export const openAlerts = (alerts: readonly LiveEntity[]): LiveEntity[] => alerts.filter((a) => isOpenAlert(a) && a.a['alertStatus'] !== 'acknowledged').sort(worstFirst);
export const knownAlerts = (alerts: readonly LiveEntity[]): LiveEntity[] => alerts.filter((a) => a.a['alertStatus'] === 'acknowledged').sort(worstFirst);
/** Handed over to a dispatcher who has not acted yet. */
export const awaitsDispatch = (incident: LiveEntity): boolean => incident.a['awaitsDispatch'] === true && isOpenIncident(incident);
/** Those that wait for a dispatcher first. */
export const openIncidents = (incidents: readonly LiveEntity[]): LiveEntity[] => incidents.filter(isOpenIncident).sort((a, b) => Number(awaitsDispatch(b)) - Number(awaitsDispatch(a)) || worstFirst(a, b));
const BUSY_UNIT = new Set(['assigned', 'enRoute', 'onScene']);
/** The states of units as conditions of NGSI-LD. */
export const FREE_UNITS = 'unitStatus=="available"';
export const BUSY_UNITS = 'unitStatus=="assigned","enRoute","onScene"';
export type UnitState = 'free' | 'busy' | 'off';
/** Is a unit free, bound to an incident, or off duty? */
export const unitState = (unit: LiveEntity): UnitState => (BUSY_UNIT.has(String(unit.a['unitStatus'])) ? 'busy' : unit.a['unitStatus'] === 'available' ? 'free' : 'off');
export const assignmentsOf = (picture: Picture, incident: LiveEntity): LiveEntity[] => picture.ofType('Assignment').filter((one) => one.a['refIncident'] === incident.id);
