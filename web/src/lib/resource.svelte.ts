/** One GET as reactive state: data, error, loading. Give a function as path to load again when what it reads changes. */
import { api } from './api';
import { asProblem, type Problem } from './problem';

export interface Resource<T> {
  readonly data: T | null;
  readonly error: Problem | null;
  readonly loading: boolean;
  reload: () => void;
}

/** `path` null means: nothing to load yet. Old data stays on screen while newer is fetched. */
export function resource<T>(path: string | (() => string | null), everySeconds = 0): Resource<T> {
  let data: T | null = $state.raw(null);
  let error: Problem | null = $state.raw(null);
  let loading = $state(true);
  let round = $state(0);

  $effect(() => {
    void round;
    const address = typeof path === 'function' ? path() : path;
    if (address === null) {
      loading = false;
      return;
    }
    const stop = new AbortController();
    loading = true;
    api
      .get<T>(address, { signal: stop.signal })
      .then((answer) => {
        data = answer;
        error = null;
      })
      .catch((reason: unknown) => {
        if (!stop.signal.aborted) error = asProblem(reason);
      })
      .finally(() => {
        if (!stop.signal.aborted) loading = false;
      });
    const timer = everySeconds > 0 ? setInterval(() => (round += 1), everySeconds * 1000) : undefined;
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  });

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get loading() {
      return loading;
    },
    reload: () => (round += 1),
  };
}
