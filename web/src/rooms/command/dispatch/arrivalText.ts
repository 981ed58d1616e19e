/** The arrival of a unit in the reader's words, with the time of the clock. */
import * as f from '$lib/format';
import { t } from '$lib/i18n.svelte';
import type { Arrival } from './arrival';
import { msg } from './messages';

const minutes = (seconds: number): string => f.num(Math.round(seconds / 60), 0);
/** "ถึงในอีก 6 นาที (13:24 น.)" */
export function inText(at: number, now: number): string {
  const left = Math.ceil((at - now) / 60_000);
  const time = f.clockTime(at, now);
  return left < 1 ? t(msg.arrivesNow, { time }) : t(msg.arrivesIn, { n: f.num(left, 0), time });
}
/** Behind what was promised by a minute or more; '' otherwise. */
function lateText(lateS: number | null): string {
  return lateS !== null && lateS >= 60 ? t(msg.lateBy, { n: minutes(lateS) }) : '';
}
function againstPromise(lateS: number | null): string {
  if (lateS === null) return '';
  if (Math.abs(lateS) < 60) return t(msg.asPromised);
  return t(lateS > 0 ? msg.laterThanPromised : msg.earlierThanPromised, { n: minutes(Math.abs(lateS)) });
}

/** `late`: to be marked. `figure`: the attribute of the assignment from which it follows. */
export function arrivalText(arrival: Arrival, now: number): { text: string; late: string; figure: string } {
  const figure = arrival.kind === 'arrived' ? 'onSceneAt' : arrival.kind === 'recalled' ? 'cancelledAt' : 'etaSeconds';
  return { ...said(arrival, now), figure };
}
function said(arrival: Arrival, now: number): { text: string; late: string } {
  switch (arrival.kind) {
    case 'expected':
      return { text: [inText(arrival.at, now), arrival.leftM === null ? t(msg.byPlan) : t(msg.leftToGo, { distance: f.distance(arrival.leftM) })].join(' · '), late: lateText(arrival.lateS) };
    case 'off-route':
      return { text: t(msg.offRoute), late: lateText(arrival.lateS) };
    case 'overdue':
      return { text: t(msg.overdue, { time: f.clockTime(arrival.since, now) }), late: lateText((now - arrival.since) / 1000) };
    case 'arrived':
      return {
        text: [
          t(msg.arrivedAt, { time: f.clockTime(arrival.at, now), against: againstPromise(arrival.lateS) }).trim(),
          arrival.distanceM !== null && arrival.distanceM > 500 ? t(msg.arrivedAfar, { distance: f.distance(arrival.distanceM) }) : '',
          arrival.clearAt !== null ? t(msg.clearedAt, { time: f.clockTime(arrival.clearAt, now) }) : '',
        ]
          .filter(Boolean)
          .join(' · '),
        late: '',
      };
    case 'recalled':
      return { text: arrival.at === null ? '' : t(msg.recalledAt, { time: f.clockTime(arrival.at, now) }), late: '' };
    case 'unknown':
      return { text: t(msg.noArrival), late: '' };
  }
}
