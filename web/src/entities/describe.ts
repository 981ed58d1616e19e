/** Turns live entities into words: title, kind, state, values with units. Reads the present language. */
import { common } from '$components/messages';
import { stateWords } from '$generated/codes';
import { attributes, types, type TypeRow } from '$generated/vocabulary';
import * as f from '$lib/format';
import { half, nameText, t, type Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { registers } from './registers.svelte';

/** The figure that says most of a thing whose type does not name one: in its short line, and beside its sign. */
const MEASURES = ['speed', 'precipitation24h', 'precipitation', 'tideLevel', 'waterLevel', 'temperature', 'windSpeed', 'value'];
const FIGURES = ['precipitation', 'precipitation24h', 'tideLevel', 'waterLevel', 'pm25', 'temperature', 'windSpeed', 'value'];

const own = <Row>(table: Readonly<Record<string, Row>>, key: unknown): Row | undefined =>
  typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
const said = (words: Message | undefined): string | null => (words ? t(words) : null);

/** Codes of all attributes, for one that turns up in an attribute that does not list it. */
const anyCode: Readonly<Record<string, Message>> = Object.assign({}, ...Object.values(attributes).map((row) => row.shown !== 'state' && row.codes));

export const statusText = (code: unknown): string => said(own(stateWords, code)) ?? (typeof code === 'string' ? code : t(common.unknown));
export const attrText = (name: string): string => said(own(attributes, name)?.words) ?? spaced(name);
/** The unit that an attribute has where the entity itself does not name one. */
export const defaultUnit = (name: string): string | undefined => own(attributes, name)?.unit;
export const isHidden = (name: string): boolean => own(attributes, name)?.hidden === true;
export const isReference = (value: unknown): value is string => typeof value === 'string' && value.startsWith('urn:ngsi-ld:');

/** "snowDepth24h" → "snow depth 24h": the last resort for attributes without a word. */
const spaced = (name: string): string => name.replace(/^.*[/:#]/, '').replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase();

/** The row of the most special of its types that the vocabulary knows. */
export function typeRow(entity: LiveEntity): TypeRow | undefined {
  const rows = [entity.type, ...entity.types].map((type) => own(types, type));
  return rows.find((row) => row && !row.general) ?? rows.find(Boolean);
}

/** What kind of thing it is. */
export function kindText(entity: LiveEntity): string {
  const row = typeRow(entity);
  if (row?.kind) return valueText(row.kind, entity.a[row.kind]);
  return said(row?.words) ?? spaced(entity.type);
}

/** The name people read; without one the kind and the last part of the id. */
export function titleText(entity: LiveEntity): string {
  return nameText(entity.a['name']) || nameText(entity.a['description']) || `${kindText(entity)} ${entity.id.split(':').pop() ?? ''}`.trim();
}

/** One short line under the title, e.g. speed of a bus or rain of a gauge. */
export function briefText(entity: LiveEntity): string {
  const brief = typeRow(entity)?.brief;
  const has = (name: string): boolean => typeof entity.a[name] === 'number';
  const figure = (name: string): string => `${attrText(name)} ${valueText(name, entity.a[name], defaultUnit(name))}`;
  const short = (name: string): string => {
    const value = entity.a[name];
    if (own(attributes, name)?.codes) return valueText(name, value);
    return typeof value === 'string' && isTime(value) ? f.date(value) : figure(name);
  };
  if (brief && 'all' in brief) return brief.all.map(short).join(' · ');
  if (brief) return short(brief.first.find((name) => entity.a[name] !== undefined) ?? brief.first[0]!);
  const name = MEASURES.find(has);
  return name ? figure(name) : '';
}

/** A value that may no longer be so: it is shown with its time. */
export const isOld = (at: string | undefined, now: number): boolean => at !== undefined && now - Date.parse(at) > 15 * 60_000;

/** The one figure next to a station's sign; with its time where it is old. */
export function figureText(entity: LiveEntity, now: number): string {
  const name = FIGURES.find((one) => typeof entity.a[one] === 'number');
  if (!name) return '';
  const [text, at] = [valueText(name, entity.a[name], defaultUnit(name)), entity.t?.[name]];
  return at && isOld(at, now) ? `${text} (${f.clockTime(at, now)})` : text;
}

const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text);

/** A value as a person reads it: code words, numbers with unit, times, language maps, lists. */
export function valueText(name: string, value: unknown, unit?: string): string {
  if (value === null || value === undefined || value === '') return t(common.unknown);
  const row = own(attributes, name);
  if (typeof value === 'number') {
    if (row?.shown === 'duration') return f.duration(value);
    if (row?.shown === 'distance') return f.distance(value);
    const digits = Math.abs(value) < 10 ? 2 : 1;
    const text = f.unit(unit);
    return text ? `${f.num(value, digits)} ${text}` : f.num(value, digits);
  }
  if (typeof value === 'boolean') return t(value ? common.yes : common.no);
  if (typeof value === 'string') {
    if (row?.shown === 'code') return value;
    if (row?.register) return registers.word(row.register, value) || value;
    if (name.endsWith('By')) return half(value); // a person or a part of the platform
    const word = own(row?.codes ?? {}, value) ?? (name.endsWith('Status') ? own(stateWords, value) : undefined);
    if (word) return t(word);
    if (isTime(value)) return f.dateTime(value);
    return said(own(anyCode, value)) ?? value;
  }
  if (Array.isArray(value)) return value.length === 0 ? t(common.none) : value.map((part) => valueText(name, part, unit)).join(', ');
  if (typeof value === 'object') {
    const time = (value as { '@value'?: unknown })['@value'];
    if (typeof time === 'string') return valueText(name, time);
    return nameText(value);
  }
  return String(value);
}

/** Does it belong to an exercise, not to the real city? */
export const isExercise = (entity: LiveEntity): boolean =>
  entity.a['exercise'] === true || (entity.s ?? []).some((scope) => scope === '/exercise' || scope.startsWith('/exercise/'));
