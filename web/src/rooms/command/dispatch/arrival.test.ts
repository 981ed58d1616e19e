import { describe, expect, it } from 'vitest';
import type { LiveEntity } from '$lib/live';
import { arrivalOf, lateNow, remainingM } from './arrival';

const T0 = Date.parse('2026-11-30T06:00:00Z');
const iso = (ms: number): string => new Date(ms).toISOString();
const LINE: [number, number][] = [
  [98.3, 7.9],
  [98.32, 7.9],
  [98.32, 7.92],
];
const DRIVE_S = 600;
const PROMISED = T0 + 660_000;
const assignment = (a: Record<string, unknown>): LiveEntity => ({
  id: 'urn:ngsi-ld:Assignment:1',
  type: 'Assignment',
  types: ['Assignment'],
  a: { assignmentStatus: 'enRoute', assignedAt: iso(T0), enRouteAt: iso(T0 + 60_000), promisedAt: iso(PROMISED), etaSeconds: DRIVE_S, route: { type: 'LineString', coordinates: LINE }, ...a },
});
const unit = (at: readonly [number, number], seen: number): LiveEntity => ({ id: 'u', type: 'EmergencyUnit', types: ['EmergencyUnit'], a: { location: { type: 'Point', coordinates: at } }, t: { location: iso(seen) } });
/** The point of the line after a share of its length; both parts are nearly of the same length. */
const after = (share: number): [number, number] => (share < 0.5 ? [98.3 + 0.04 * share, 7.9] : [98.32, 7.9 + 0.04 * (share - 0.5)]);

describe('what is left of a route', () => {
  it('never grows while the unit drives along it, and is nothing at its end', () => {
    let last = Infinity;
    for (let share = 0; share <= 1.0001; share += 0.02) {
      const left = remainingM(LINE, after(Math.min(1, share)))!;
      expect(left.offM).toBeLessThan(5);
      expect(left.leftM).toBeLessThanOrEqual(last + 1);
      last = left.leftM;
    }
    expect(last).toBeLessThan(5);
  });
});

describe('an arrival', () => {
  it('moves with the unit: half of the route takes half of the drive', () => {
    const now = T0 + 200_000;
    const found = arrivalOf(assignment({}), unit(after(0.5), now - 2000), now);
    if (found.kind !== 'expected') throw new Error(found.kind);
    expect(found.basis).toBe('position');
    expect(Math.abs(found.at - (now + 300_000))).toBeLessThan(6000);
    expect(found.lateS).toBeLessThan(0);
  });
  it('is late by what the unit has lost: one that stands loses each second', () => {
    const lost = [0, 300, 900].map((seconds) => {
      const now = T0 + 60_000 + seconds * 1000;
      const found = arrivalOf(assignment({}), unit(LINE[0]!, now), now);
      return found.kind === 'expected' ? Math.round(found.lateS!) : null;
    });
    expect(lost).toEqual([0, 300, 900]);
  });
  it('without a fresh position is the plan, and afterwards overdue: never a time that has passed', () => {
    const [early, late] = [T0 + 300_000, T0 + 900_000];
    expect(arrivalOf(assignment({}), unit(LINE[0]!, T0), early + 1)).toMatchObject({ kind: 'expected', basis: 'plan', at: T0 + 660_000 });
    expect(arrivalOf(assignment({}), null, late)).toEqual({ kind: 'overdue', since: T0 + 660_000 });
  });
  it('of a unit far from its route is not guessed', () => {
    expect(arrivalOf(assignment({}), unit([98.4, 8.0], T0 + 100_000), T0 + 100_000)).toEqual({ kind: 'off-route', lateS: null });
  });
  it('of a unit that has not left moves on with the clock', () => {
    const sent = assignment({ assignmentStatus: 'assigned', enRouteAt: undefined });
    expect(arrivalOf(sent, null, T0 + 1000)).toMatchObject({ kind: 'expected', at: PROMISED, lateS: 0 });
    expect(arrivalOf(sent, null, T0 + 360_000)).toMatchObject({ kind: 'expected', at: T0 + 960_000, lateS: 300 });
  });
  it('that took place is a fact, whatever the clock and the unit say', () => {
    const done = assignment({ assignmentStatus: 'clear', onSceneAt: iso(PROMISED + 120_000), clearAt: iso(PROMISED + 900_000), onSceneDistanceM: 4200 });
    for (const now of [PROMISED, PROMISED + 9e9]) expect(arrivalOf(done, unit([98.4, 8.0], now), now)).toEqual({ kind: 'arrived', at: PROMISED + 120_000, reachedAt: null, lateS: null, distanceM: 4200, clearAt: PROMISED + 900_000 });
    expect(arrivalOf(assignment({ assignmentStatus: 'cancelled', cancelledAt: iso(T0 + 5000) }), null, T0 + 1e9)).toEqual({ kind: 'recalled', at: T0 + 5000 });
  });
  it('is judged by the position, not by when somebody reported it', () => {
    const done = assignment({ assignmentStatus: 'onScene', positionAtSceneAt: iso(PROMISED - 30_000), onSceneAt: iso(PROMISED + 400_000), onSceneDistanceM: 20 });
    expect(arrivalOf(done, null, PROMISED + 9e9)).toMatchObject({ kind: 'arrived', at: PROMISED + 400_000, reachedAt: PROMISED - 30_000, lateS: -30 });
    expect(arrivalOf(assignment({ assignmentStatus: 'onScene', onSceneAt: iso(PROMISED + 120_000) }), null, T0)).toMatchObject({ reachedAt: null, lateS: 120 });
  });
  it('waits for a person once the position is there, and is late no more', () => {
    const there = arrivalOf(assignment({ positionAtSceneAt: iso(PROMISED) }), null, PROMISED + 900_000);
    expect(there).toEqual({ kind: 'at-scene', since: PROMISED });
    expect(lateNow(there, PROMISED + 900_000)).toBe(0);
    expect(lateNow(arrivalOf(assignment({}), null, T0 + 900_000), T0 + 900_000)).toBe(240);
    expect(lateNow(arrivalOf(assignment({}), null, T0 + 690_000), T0 + 690_000)).toBe(0); // half a minute
  });
  it('of a damaged assignment is unknown', () => {
    for (const a of [{ etaSeconds: 'soon' }, { assignmentStatus: 7 }, { etaSeconds: undefined }]) expect(arrivalOf(assignment(a), null, T0).kind).toBe('unknown');
    expect(arrivalOf(assignment({ route: { type: 'LineString', coordinates: [] } }), unit(LINE[0]!, T0), T0).kind).toBe('expected');
  });
});
