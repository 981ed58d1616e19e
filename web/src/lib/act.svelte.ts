/** One command at a time, in the order in which they are pressed: says which one runs, keeps its problem for the screen. */
import { asProblem, type Problem } from '$lib/problem';

export class Act {
  /** Which command runs, by a name of the caller's choice. */
  busy: string | null = $state(null);
  problem: Problem | null = $state.raw(null);
  #waiting = new Map<string, (mayRun: boolean) => void>();

  /**
   * Run the command, after those that run or wait. A screen shows what a command changed before its answer is there, so
   * people press the next one early. Pressed twice, a command runs once. After a failure, those that wait are given up.
   */
  async run<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.busy === name || this.#waiting.has(name)) return undefined;
    if (this.busy === null) this.busy = name;
    else if (!(await new Promise<boolean>((go) => this.#waiting.set(name, go)))) return undefined;
    this.problem = null;
    try {
      return await work();
    } catch (error) {
      this.problem = asProblem(error);
      for (const go of this.#waiting.values()) go(false);
      this.#waiting.clear();
      return undefined;
    } finally {
      const [next, go] = this.#waiting.entries().next().value ?? [null, null];
      this.busy = next;
      if (next !== null) this.#waiting.delete(next);
      go?.(true);
    }
  }
}
