/** Stale state + events = fresh state, for random worlds, random cuts and repeated messages. */
import { describe, expect, it } from 'vitest';
import { EMPTY_VIEW, fold, type DeltaMessage, type LiveEntity, type StateMessage, type View, type WatchMessage } from './live';

/** Small deterministic generator (mulberry32), so that a failure can be repeated by its seed. */
function random(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const entity = (id: string, value: number): LiveEntity => ({ id, type: 'Vehicle', types: ['Vehicle'], a: { speed: value } });
const stamp = (seq: number) => new Date(1_700_000_000_000 + seq * 1000).toISOString();

/** The server's side: a world that changes step by step, remembered at every step. */
function world(seed: number, steps: number) {
  const next = random(seed);
  const now = new Map<string, LiveEntity>();
  const past: Map<string, LiveEntity>[] = [new Map()];
  const deltas: DeltaMessage[] = [];
  for (let seq = 1; seq <= steps; seq++) {
    const set: LiveEntity[] = [];
    const gone: string[] = [];
    for (let change = 0; change < 1 + next() * 4; change++) {
      const id = `urn:v:${Math.floor(next() * 12)}`;
      if (set.some((e) => e.id === id) || gone.includes(id)) continue;
      if (now.has(id) && next() < 0.3) {
        now.delete(id);
        gone.push(id);
      } else {
        const changed = entity(id, Math.floor(next() * 100));
        now.set(id, changed);
        set.push(changed);
      }
    }
    past.push(new Map(now));
    deltas.push({ op: 'delta', id: 'w', seq, time: stamp(seq), set, gone });
  }
  return { past, deltas, next };
}
function stateAt(past: Map<string, LiveEntity>[], seq: number, next: () => number): StateMessage[] {
  const all = [...past[seq]!.values()];
  const parts: StateMessage[] = [];
  do {
    const size = 1 + Math.floor(next() * 5);
    parts.push({ op: 'state', id: 'w', seq, time: stamp(seq), entities: all.splice(0, size) });
  } while (all.length > 0);
  parts[parts.length - 1]!.last = true;
  return parts;
}
const sorted = (view: View) => [...view.entities.values()].sort((a, b) => a.id.localeCompare(b.id));
const run = (messages: WatchMessage[], from: View = EMPTY_VIEW) => messages.reduce(fold, from);

describe('fold', () => {
  it('stale state + events = fresh state', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { past, deltas, next } = world(seed, 20);
      const from = Math.floor(next() * 20);
      const stale = run(stateAt(past, from, next));
      // Events may be repeated, and older ones than the state may still arrive.
      const replayFrom = Math.floor(next() * (from + 1));
      const caughtUp = run(deltas.slice(replayFrom), stale);
      expect(sorted(caughtUp), `seed ${seed}`).toEqual(sorted(run(stateAt(past, 20, next))));
      expect(caughtUp.seq).toBe(20);
    }
  });

  it('deltas between the parts of a state are not lost', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { past, deltas, next } = world(seed, 20);
      const parts = stateAt(past, 10, next);
      const later = deltas.slice(10);
      const mixed: WatchMessage[] = [];
      parts.forEach((part, index) => {
        mixed.push(part);
        if (index < parts.length - 1) mixed.push(...later.splice(0, Math.floor(next() * 3)));
      });
      expect(sorted(run([...mixed, ...later])), `seed ${seed}`).toEqual([...past[20]!.values()].sort((a, b) => a.id.localeCompare(b.id)));
    }
  });

  it('after a reconnect the old picture stays until the new state is whole', () => {
    const { past, next } = world(7, 20);
    const before = run(stateAt(past, 12, next));
    const parts = stateAt(past, 20, next);
    const meanwhile = run(parts.slice(0, -1), before);
    if (parts.length > 1) expect(sorted(meanwhile)).toEqual(sorted(before));
    expect(sorted(run(parts, before))).toEqual([...past[20]!.values()].sort((a, b) => a.id.localeCompare(b.id)));
  });

  it('changes no view that it was given', () => {
    const { past, deltas, next } = world(3, 20);
    const view = run(stateAt(past, 5, next));
    const copy = sorted(view);
    run(deltas.slice(5), view);
    expect(sorted(view)).toEqual(copy);
  });

  it('ignores deltas before any state', () => {
    expect(run([{ op: 'delta', id: 'w', seq: 4, time: stamp(4), set: [entity('urn:v:1', 1)] }])).toEqual(EMPTY_VIEW);
  });
});
