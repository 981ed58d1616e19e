/**
 * The pure fold of live messages into a view. The law: *stale state + events = fresh state*. However the state was cut
 * into parts, and whichever parts came twice or late, the folded view equals that of a fresh client.
 */
export interface LiveEntity {
  id: string;
  type: string;
  types: string[];
  /** Plain values by short name. */
  a: Record<string, unknown>;
  /** observedAt by short name, where there is one. */
  t?: Record<string, string>;
  /** NGSI-LD scopes. */
  s?: string[];
  /** createdAt and modifiedAt. */
  c?: string;
  m?: string;
}
export interface StateMessage {
  op: 'state';
  id: string;
  seq: number;
  time: string;
  entities: LiveEntity[];
  last?: boolean;
}
export interface DeltaMessage {
  op: 'delta';
  id: string;
  seq: number;
  time: string;
  set?: LiveEntity[];
  gone?: string[];
}
export type WatchMessage = StateMessage | DeltaMessage;
export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
}
export type ServerMessage =
  | WatchMessage
  | { op: 'beat'; time: string }
  | { op: 'pong'; time: string }
  | { op: 'error'; id?: string | null; problem: ProblemBody };

export interface View {
  readonly entities: ReadonlyMap<string, LiveEntity>;
  /** Deltas of this watch that `entities` holds; a state begins at 0. */
  readonly seq: number;
  readonly time: string | null;
  /** True once a complete state has arrived; stays true (with the old content) while a newer state arrives. */
  readonly complete: boolean;
  /** Parts of a state that is still arriving, and deltas that came in between. */
  readonly arriving: { readonly entities: ReadonlyMap<string, LiveEntity>; readonly deltas: readonly DeltaMessage[] } | null;
}

export const EMPTY_VIEW: View = { entities: new Map(), seq: -1, time: null, complete: false, arriving: null };

/** Never changes `view`; O(size of the view) for a delta, so keep fast movers in a watch of their own. */
export function fold(view: View, message: WatchMessage): View {
  return message.op === 'state' ? foldState(view, message) : foldDelta(view, message);
}

function foldState(view: View, message: StateMessage): View {
  const entities = new Map(view.arriving?.entities ?? []);
  for (const entity of message.entities) entities.set(entity.id, entity);
  const deltas = view.arriving?.deltas ?? [];
  if (!message.last) return { ...view, arriving: { entities, deltas } };
  let whole: View = { entities, seq: message.seq, time: message.time, complete: true, arriving: null };
  for (const delta of deltas) whole = foldDelta(whole, delta);
  return whole;
}

function foldDelta(view: View, message: DeltaMessage): View {
  if (view.arriving) return { ...view, arriving: { ...view.arriving, deltas: [...view.arriving.deltas, message] } };
  if (!view.complete || message.seq <= view.seq) return view;
  if (!message.set?.length && !message.gone?.length) return { ...view, seq: message.seq, time: message.time };
  const entities = new Map(view.entities);
  for (const id of message.gone ?? []) entities.delete(id);
  for (const entity of message.set ?? []) entities.set(entity.id, entity);
  return { ...view, entities, seq: message.seq, time: message.time };
}
