/** Laws of commands: none that is pressed is lost, each runs alone, and what follows a failure does not run. */
import { describe, expect, it } from 'vitest';
import { Act } from './act.svelte';

/** A command that waits until it is let go. */
function slow(log: string[], name: string, fails = false) {
  let end = () => {};
  const gate = new Promise<void>((go) => (end = go));
  const work = async () => {
    log.push(`+${name}`);
    await gate;
    log.push(`-${name}`);
    if (fails) throw new Error(name);
    return name;
  };
  return { work, end: () => end() };
}

describe('commands', () => {
  it('run one after the other, in the order in which they were pressed', async () => {
    const act = new Act();
    const log: string[] = [];
    const [a, b, c] = [slow(log, 'a'), slow(log, 'b'), slow(log, 'c')];
    const done = [act.run('a', a.work), act.run('b', b.work), act.run('c', c.work)];
    expect(act.busy).toBe('a');
    [c, b, a].forEach((one) => one.end());
    expect(await Promise.all(done)).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
    expect(act.busy).toBeNull();
  });
  it('pressed twice run once', async () => {
    const act = new Act();
    const log: string[] = [];
    const [a, b] = [slow(log, 'a'), slow(log, 'b')];
    const done = [act.run('a', a.work), act.run('a', a.work), act.run('b', b.work), act.run('b', b.work)];
    a.end();
    b.end();
    expect(await Promise.all(done)).toEqual(['a', undefined, 'b', undefined]);
    expect(log).toEqual(['+a', '-a', '+b', '-b']);
  });
  it('after a failure do not run, and the problem stays; the next press works', async () => {
    const act = new Act();
    const log: string[] = [];
    const [a, b, c] = [slow(log, 'a', true), slow(log, 'b'), slow(log, 'c')];
    const done = [act.run('a', a.work), act.run('b', b.work)];
    a.end();
    b.end();
    expect(await Promise.all(done)).toEqual([undefined, undefined]);
    expect(log).toEqual(['+a', '-a']);
    expect(act.problem).not.toBeNull();
    c.end();
    expect(await act.run('c', c.work)).toBe('c');
    expect(act.problem).toBeNull();
    expect(act.busy).toBeNull();
  });
});
