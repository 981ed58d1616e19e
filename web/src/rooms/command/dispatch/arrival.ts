/**
 * When a unit arrives, from its position on its route; afterwards, when it did. Pure.
 *
 * `etaSeconds` and `routeLengthM` of an assignment are the drive as it was computed; `promisedAt` is the arrival that was
 * expected when the unit was sent. It never changes, so that a delay is seen.
 */
import { asGeometry, metresBetween, metresToSegment } from '$lib/geo';
import type { LiveEntity } from '$lib/live';

/** A unit turns out within a minute (NFPA 1710). */
const TURNOUT_MS = 60_000;
/** A position older than this says nothing of where the unit is now. */
const FRESH_MS = 180_000;
/** A unit that is farther from the place than this is hardly there, whoever says so. */
export const FAR_M = 500;
/** Farther from its route, the unit takes another way. */
const OFF_ROUTE_M = 1000;

export type Arrival =
  | { kind: 'expected'; at: number; basis: 'position' | 'plan'; lateS: number | null; leftM: number | null }
  | { kind: 'off-route'; lateS: number | null }
  | { kind: 'overdue'; since: number }
  /** Its position is at the place; nobody has confirmed it. */
  | { kind: 'at-scene'; since: number }
  /** `at`: of the report; `reachedAt`: of the position. `lateS`: null where the position contradicts the report. */
  | { kind: 'arrived'; at: number; reachedAt: number | null; lateS: number | null; distanceM: number | null; clearAt: number | null }
  | { kind: 'recalled'; at: number | null }
  | { kind: 'unknown' };

const timeOf = (value: unknown): number | null => {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? at : null;
};
const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null);

/** The arrival that was expected when the unit was sent; of older assignments without the time to turn out. */
export function promisedAt(assignment: LiveEntity): number | null {
  const said = timeOf(assignment.a['promisedAt']);
  if (said !== null) return said;
  const [sent, drive] = [timeOf(assignment.a['assignedAt']), numberOf(assignment.a['etaSeconds'])];
  return sent !== null && drive !== null ? sent + drive * 1000 : null;
}

/** What is known of the arrival at the moment `now` (ms). `unit`: as it is at that moment; null: not seen. */
export function arrivalOf(assignment: LiveEntity, unit: LiveEntity | null, now: number): Arrival {
  const promised = promisedAt(assignment);
  const late = (at: number): number | null => (promised === null ? null : (at - promised) / 1000);
  const status = assignment.a['assignmentStatus'];
  const arrived = timeOf(assignment.a['onSceneAt']);
  const reached = timeOf(assignment.a['positionAtSceneAt']);
  if (arrived !== null) {
    const distanceM = numberOf(assignment.a['onSceneDistanceM']);
    const disputed = distanceM !== null && distanceM > FAR_M;
    return { kind: 'arrived', at: arrived, reachedAt: disputed ? null : reached, lateS: disputed ? null : late(reached ?? arrived), distanceM, clearAt: timeOf(assignment.a['clearAt']) };
  }
  if (status === 'cancelled') return { kind: 'recalled', at: timeOf(assignment.a['cancelledAt']) };
  const drive = numberOf(assignment.a['etaSeconds']);
  if (status !== 'assigned' && status !== 'enRoute') return { kind: 'unknown' };
  if (reached !== null) return { kind: 'at-scene', since: reached };
  if (drive === null) return { kind: 'unknown' };
  if (status === 'assigned') {
    const sent = timeOf(assignment.a['assignedAt']) ?? now;
    const at = Math.max(now, sent + TURNOUT_MS) + drive * 1000;
    return { kind: 'expected', at, basis: 'plan', lateS: late(at), leftM: null };
  }
  const left = leftOf(assignment, unit, now);
  if (left === 'off') return { kind: 'off-route', lateS: promised !== null && now > promised ? (now - promised) / 1000 : null };
  if (left !== null) {
    const at = now + left.share * drive * 1000;
    return { kind: 'expected', at, basis: 'position', lateS: late(at), leftM: left.metres };
  }
  const at = (timeOf(assignment.a['enRouteAt']) ?? now) + drive * 1000;
  return at < now ? { kind: 'overdue', since: at } : { kind: 'expected', at, basis: 'plan', lateS: late(at), leftM: null };
}

/** Seconds behind what was promised, of a unit that is not there yet. 0: less than a minute, or nobody knows. */
export function lateNow(arrival: Arrival, now: number): number {
  const seconds = arrival.kind === 'overdue' ? (now - arrival.since) / 1000 : arrival.kind === 'expected' || arrival.kind === 'off-route' ? (arrival.lateS ?? 0) : 0;
  return seconds >= 60 ? seconds : 0;
}

/** The part of the route that is left; null without a fresh position; 'off' where the unit is far from its route. */
function leftOf(assignment: LiveEntity, unit: LiveEntity | null, now: number): { share: number; metres: number } | 'off' | null {
  const route = asGeometry(assignment.a['route']);
  const place = unit && asGeometry(unit.a['location']);
  const seen = timeOf(unit?.t?.['location']);
  if (route?.type !== 'LineString' || place?.type !== 'Point' || seen === null || now - seen > FRESH_MS) return null;
  const left = remainingM(route.coordinates as [number, number][], place.coordinates as [number, number]);
  if (left === null) return null;
  if (left.offM > OFF_ROUTE_M) return 'off';
  const share = left.totalM > 0 ? Math.min(1, (left.leftM + left.offM) / left.totalM) : 0;
  return { share, metres: left.leftM + left.offM };
}

/** Metres of a line behind the point of it that is nearest to `at`, how far `at` is from it, and the length of the line. */
export function remainingM(line: readonly (readonly [number, number])[], at: readonly [number, number]): { leftM: number; offM: number; totalM: number } | null {
  if (line.length < 2) return null;
  let [totalM, passedM, offM] = [0, 0, Infinity];
  for (let i = 0; i + 1 < line.length; i += 1) {
    const [a, b] = [line[i]!, line[i + 1]!];
    const length = metresBetween(a, b);
    const { metres: off, along } = metresToSegment(a, b, at);
    if (off < offM) [offM, passedM] = [off, totalM + length * along];
    totalM += length;
  }
  return { leftM: Math.max(0, totalM - passedM), offM, totalM };
}
