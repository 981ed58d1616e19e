/**
 * The live connection: one web socket, many watches. It comes back by itself (back-off 0.5 s to 8 s) and watches again;
 * the old picture stays on screen, marked as old, until the new state is complete.
 */
import { wire } from './api';
import { clock } from './clock.svelte';
import { EMPTY_VIEW, fold, type ProblemBody, type ServerMessage, type View } from './live';
import { Problem, problemFrom } from './problem';

export type Bbox = [west: number, south: number, east: number, north: number];
export interface Spec {
  types: readonly string[];
  bbox?: Bbox | null;
  /** ISO time for a look at the past; null is the present, live. */
  at?: string | null;
}
export type Connection = 'connecting' | 'live' | 'reconnecting';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
/** The server's close code when the session ended. */
const SESSION_ENDED = 4401;
/** The server beats every 5 s; two missed beats mean that the line is dead, even if nobody closed it. */
const SILENCE_MS = 12_000;

export class Watch {
  view: View = $state.raw(EMPTY_VIEW);
  problem: Problem | null = $state.raw(null);
  /** A state was asked for and is not complete yet. */
  waiting: boolean = $state(true);
  /** What `view` shows; lags behind the wish while a state is under way. */
  shown: Spec | null = $state.raw(null);
  #live: Live;
  #spec: Spec;
  #next: Spec | null = null;
  #wireId = '';

  constructor(live: Live, spec: Spec) {
    this.#live = live;
    this.#spec = spec;
    this.#send();
  }

  /** Watch something else. While a past state is under way the newest wish waits for it (dragging the scrubber). */
  set(spec: Spec): void {
    if (JSON.stringify(spec) === JSON.stringify(this.#next ?? this.#spec)) return;
    if (this.waiting && this.#spec.at && spec.at && this.#live.connection === 'live') {
      this.#next = spec;
      return;
    }
    this.#next = null;
    this.#spec = spec;
    this.#send();
  }

  stop(): void {
    this.#live.forget(this.#wireId, this);
  }

  /** Called by the connection after it came back. */
  again(): void {
    this.#spec = this.#next ?? this.#spec;
    this.#next = null;
    this.#send();
  }

  take(message: ServerMessage): void {
    if (message.op === 'error') {
      this.problem = problemFrom(message.problem.status ?? 400, message.problem, 'Error');
      this.waiting = false;
      this.#goOn();
    } else if (message.op === 'state' || message.op === 'delta') {
      this.view = fold(this.view, message);
      if (message.op === 'state' && message.last) {
        this.problem = null;
        this.waiting = false;
        this.shown = this.#spec;
        this.#goOn();
      }
    }
  }

  #goOn(): void {
    const next = this.#next;
    if (!next) return;
    this.#next = null;
    this.#spec = next;
    this.#send();
  }

  #send(): void {
    this.#live.forget(this.#wireId, this);
    this.waiting = true;
    this.view = { ...this.view, arriving: null };
    this.#wireId = this.#live.ask(this, this.#spec);
  }
}

export class Live {
  connection: Connection = $state('connecting');
  /** ms of the last word from the server. */
  heardAt: number = $state(0);
  #socket: WebSocket | null = null;
  #watches = new Map<string, Watch>();
  #count = 0;
  #wait = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #stopped = true;
  #onOnline = () => this.#connectNow();

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener('online', this.#onOnline);
    this.#pulse = setInterval(() => {
      if (this.#socket !== null && Date.now() - this.heardAt > SILENCE_MS) this.#lost();
    }, 1000);
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    removeEventListener('online', this.#onOnline);
    clearInterval(this.#pulse);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Begin again, for example after signing in: rights belong to the connection. */
  restart(): void {
    if (this.#stopped) return;
    this.stop();
    this.start();
  }

  watch(spec: Spec): Watch {
    return new Watch(this, spec);
  }

  ask(watch: Watch, spec: Spec): string {
    const id = `w${++this.#count}`;
    this.#watches.set(id, watch);
    this.#say({ op: 'watch', id, types: spec.types, bbox: spec.bbox ?? null, at: spec.at ?? null, ...(wire.tenant ? { tenant: wire.tenant } : {}) });
    return id;
  }

  forget(id: string, watch: Watch): void {
    if (this.#watches.get(id) !== watch) return;
    this.#watches.delete(id);
    this.#say({ op: 'unwatch', id });
  }

  #say(message: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connectNow(): void {
    if (this.connection === 'live' || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#wait = FIRST_WAIT_MS;
    this.#connect();
  }

  /** A dead line: closing it would wait for an answer that does not come, so it is left alone and a new one begun. */
  #lost(): void {
    this.connection = 'reconnecting';
    clearTimeout(this.#timer);
    this.#connect();
  }

  #connect(): void {
    this.heardAt = Date.now(); // a new line has as long to say its first word
    const old = this.#socket;
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
    this.#socket = socket;
    old?.close();
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      const watches = [...new Set(this.#watches.values())];
      this.#watches.clear();
      for (const watch of watches) watch.again();
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      if (socket !== this.#socket) return;
      this.#wait = FIRST_WAIT_MS;
      this.connection = 'live'; // not before the server has said something on this line
      this.#hear(event.data);
    };
    socket.onclose = (event: CloseEvent) => {
      if (socket !== this.#socket || this.#stopped) return;
      if (event.code === SESSION_ENDED) wire.onSignedOut();
      this.#socket = null;
      this.connection = 'reconnecting';
      const jitter = 0.7 + Math.random() * 0.6;
      this.#timer = setTimeout(() => this.#connect(), this.#wait * jitter);
      this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 2);
    };
  }

  #hear(text: string): void {
    this.heardAt = Date.now();
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      return; // not for us; the next beat or state shows it
    }
    switch (message.op) {
      case 'beat':
        clock.hear(message.time);
        break;
      case 'pong':
        clock.hear(message.time);
        break;
      case 'error':
        if (message.id) this.#watches.get(message.id)?.take(message);
        else console.warn('live:', (message.problem as ProblemBody).detail ?? message.problem.title);
        break;
      case 'state':
      case 'delta':
        this.#watches.get(message.id)?.take(message);
    }
  }
}
