/** One command at a time: says that it runs, keeps its problem for the screen. */
import { asProblem, type Problem } from '$lib/problem';

export class Act {
  /** Which command runs, by a name of the caller's choice. */
  busy: string | null = $state(null);
  problem: Problem | null = $state.raw(null);

  async run<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.busy !== null) return undefined;
    this.busy = name;
    this.problem = null;
    try {
      return await work();
    } catch (error) {
      this.problem = asProblem(error);
      return undefined;
    } finally {
      this.busy = null;
    }
  }
}
