/** The one way screens talk HTTP: same origin, JSON, CSRF token on unsafe methods, problems as typed errors. */
import { Problem, problemFrom } from './problem';

export interface Options {
  /** Query parameters; undefined and null are left out. */
  query?: Record<string, string | number | boolean | null | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Session facts the client needs; the session store fills them in. */
export const wire = {
  csrf: '',
  /** Isolated copy (drill) that this screen works in; '' is the city itself. */
  tenant: '',
  onSignedOut: () => {},
  /** The server refused what the screen offered: rights may have changed. */
  onRefused: () => {},
};

export function withQuery(path: string, query: Options['query']): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path;
}

async function request<T>(method: string, path: string, body: unknown, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && wire.csrf) headers['X-CSRF-Token'] = wire.csrf;
  if (wire.tenant && ['/api/command', '/api/evidence', '/ngsi-ld/'].some((part) => path.startsWith(part))) headers['NGSILD-Tenant'] = wire.tenant;
  let response: Response;
  try {
    response = await fetch(withQuery(path, options.query), {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'urn:andaman:problem:offline', 'The server cannot be reached', '');
  }
  const text = await response.text();
  let data: unknown = null;
  if (text !== '') {
    try {
      data = JSON.parse(text);
    } catch {
      if (response.ok) throw new Problem(response.status, 'about:blank', 'The answer is not JSON', path);
    }
  }
  if (!response.ok) {
    const problem = problemFrom(response.status, data, response.statusText || String(response.status));
    if (response.status === 401 && !path.startsWith('/auth/')) wire.onSignedOut();
    if (response.status === 403 && !path.startsWith('/auth/')) wire.onRefused();
    throw problem;
  }
  return data as T;
}

export const api = {
  get: <T>(path: string, options?: Options) => request<T>('GET', path, undefined, options),
  post: <T>(path: string, body: unknown = {}, options?: Options) => request<T>('POST', path, body, options),
  put: <T>(path: string, body: unknown, options?: Options) => request<T>('PUT', path, body, options),
  patch: <T>(path: string, body: unknown, options?: Options) => request<T>('PATCH', path, body, options),
  delete: <T>(path: string, options?: Options) => request<T>('DELETE', path, undefined, options),
};
