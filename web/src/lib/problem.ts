/** A refused or failed request, from the server's problem document (RFC 9457) or from the network. */
import type { ProblemDocument } from '$generated/api';

export type ProblemReason = 'offline' | 'not-signed-in' | 'forbidden' | 'not-found' | 'conflict' | 'invalid' | 'too-large' | 'busy' | 'server';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly title: string,
    readonly detail: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title);
    this.name = 'Problem';
  }

  /** The few kinds a screen has words for; the server's own sentence is `detail`. */
  get reason(): ProblemReason {
    switch (this.status) {
      case 0:
        return 'offline';
      case 401:
        return 'not-signed-in';
      case 403:
        return 'forbidden';
      case 404:
        return 'not-found';
      case 409:
        return 'conflict';
      case 413:
        return 'too-large';
      case 429:
      case 503:
        return 'busy';
      default:
        return this.status >= 400 && this.status < 500 ? 'invalid' : 'server';
    }
  }
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(-1, 'urn:andaman:problem:screen', 'Error on this screen', error instanceof Error ? error.message : String(error));
}

export function problemFrom(status: number, body: unknown, fallback: string): Problem {
  if (body !== null && typeof body === 'object') {
    const { type, title, detail, status: _status, ...extra } = body as Partial<ProblemDocument>;
    return new Problem(
      status,
      typeof type === 'string' ? type : 'about:blank',
      typeof title === 'string' ? title : fallback,
      typeof detail === 'string' ? detail : '',
      extra,
    );
  }
  return new Problem(status, 'about:blank', fallback, '');
}
