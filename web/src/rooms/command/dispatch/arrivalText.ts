/** The arrival of a unit in the reader's words, with the time of the clock. */
import * as f from '$lib/format';
import { t } from '$lib/i18n.svelte';
import { FAR_M, lateNow, type Arrival } from './arrival';
import { msg } from './messages';

const minutes = (seconds: number): string => f.num(Math.round(seconds / 60), 0);
/** "ถึงในอีก 6 นาที (13:24 น.)" */
export function inText(at: number, now: number): string {
  const left = Math.ceil((at - now) / 60_000);
  const time = f.clockTime(at, now);
  return left < 1 ? t(msg.arrivesNow, { time }) : t(msg.arrivesIn, { n: f.num(left, 0), time });
}
/** Behind what was promised; '' otherwise. */
export function lateText(arrival: Arrival, now: number): string {
  const lateS = lateNow(arrival, now);
  return lateS > 0 ? t(msg.lateBy, { n: minutes(lateS) }) : '';
}
function againstPromise(lateS: number | null): string {
  if (lateS === null) return '';
  if (Math.abs(lateS) < 60) return t(msg.asPromised);
  return t(lateS > 0 ? msg.laterThanPromised : msg.earlierThanPromised, { n: minutes(Math.abs(lateS)) });
}

/** `late`: to be marked. `figure`: the attribute of the assignment from which it follows. */
export function arrivalText(arrival: Arrival, now: number): { text: string; late: string; figure: string } {
  return { text: said(arrival, now), late: lateText(arrival, now), figure: FIGURES[arrival.kind] ?? 'etaSeconds' };
}
const FIGURES: Partial<Record<Arrival['kind'], string>> = { arrived: 'onSceneAt', recalled: 'cancelledAt', 'at-scene': 'positionAtSceneAt' };
function said(arrival: Arrival, now: number): string {
  switch (arrival.kind) {
    case 'expected':
      return [inText(arrival.at, now), arrival.leftM === null ? t(msg.byPlan) : t(msg.leftToGo, { distance: f.distance(arrival.leftM) })].join(' · ');
    case 'off-route':
      return t(msg.offRoute);
    case 'overdue':
      return t(msg.overdue, { time: f.clockTime(arrival.since, now) });
    case 'at-scene':
      return t(msg.atScene, { time: f.clockTime(arrival.since, now) });
    case 'arrived':
      return [
        arrival.reachedAt === null ? '' : t(msg.reachedAt, { time: f.clockTime(arrival.reachedAt, now) }),
        arrival.reachedAt === null ? '' : againstPromise(arrival.lateS),
        t(msg.arrivedAt, { time: f.clockTime(arrival.at, now) }),
        arrival.reachedAt === null ? againstPromise(arrival.lateS) : '',
        arrival.distanceM !== null && arrival.distanceM > FAR_M ? t(msg.arrivedAfar, { distance: f.distance(arrival.distanceM) }) : '',
        arrival.clearAt !== null ? t(msg.clearedAt, { time: f.clockTime(arrival.clearAt, now) }) : '',
      ]
        .filter(Boolean)
        .join(' · ');
    case 'recalled':
      return arrival.at === null ? '' : t(msg.recalledAt, { time: f.clockTime(arrival.at, now) });
    case 'unknown':
      return t(msg.noArrival);
  }
}
