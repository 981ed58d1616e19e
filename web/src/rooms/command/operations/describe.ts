/** Turns live entities into words: title, kind, state, values with units. Reads the present language. */
import * as f from '$lib/format';
import { half, nameText, t, type Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { common, originWords, severityWords } from '$components/messages';
import { isRecord, own, sentence, type Sentence } from '$components/sentences';
import { timeline } from '../../../generated/timeline';
import { msg } from './messages';
import { vocabulary } from './vocabulary.svelte';
import { attrWords, statusWords, typeWords, unitWords, valueWords } from './messages.city';

const lookup = (words: Record<string, Message>, key: unknown): string | null => {
  const message = typeof key === 'string' && Object.hasOwn(words, key) ? words[key] : undefined;
  return message ? t(message) : null;
};
export const statusText = (code: unknown): string => lookup(statusWords, code) ?? (typeof code === 'string' ? code : t(common.unknown));
export const unitText = (code: unknown): string => lookup(unitWords, code) ?? (typeof code === 'string' ? code : t(common.unknown));
export const attrText = (name: string): string => lookup(attrWords, name) ?? spaced(name);

/** "snowDepth24h" → "snow depth 24h": the last resort for attributes without a word. */
const spaced = (name: string): string => name.replace(/^.*[/:#]/, '').replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase();

/** What kind of thing it is; the most specific type that has a word. */
export function kindText(entity: LiveEntity): string {
  if (entity.types.includes('EmergencyUnit')) return unitText(entity.a['unitType']);
  for (const type of [entity.type, ...entity.types.filter((x) => x !== 'PointOfInterest')]) {
    const word = lookup(typeWords, type);
    if (word && type !== 'PointOfInterest') return word;
  }
  return lookup(typeWords, entity.type) ?? spaced(entity.type);
}

/** The name people read; without one the kind and the last part of the id. */
export function titleText(entity: LiveEntity): string {
  return nameText(entity.a['name']) || nameText(entity.a['description']) || `${kindText(entity)} ${entity.id.split(':').pop() ?? ''}`.trim();
}

/** Attributes of the machinery, or shown elsewhere: not among the values, not among the changes. */
const HIDDEN = new Set(['origin', 'source', 'timetable', 'definition', 'data', 'startNode', 'endNode', 'dataset', 'agency', 'labelPoint', 'osmWay', 'series', 'route', 'reasonChosen', 'signalStep', 'entryCount', 'assignmentCount', 'exercise', 'params', 'refStops', 'nameDerived', 'routeColor', 'routeCodes']);
export const isHidden = (name: string): boolean => HIDDEN.has(name);
export const isReference = (value: unknown): value is string => typeof value === 'string' && value.startsWith('urn:ngsi-ld:');

/** One short line under the title, e.g. speed of a bus or rain of a gauge. */
export function briefText(entity: LiveEntity): string {
  const a = entity.a;
  const has = (name: string): boolean => typeof a[name] === 'number';
  const say = (name: string): string => `${attrText(name)} ${valueText(name, a[name], DEFAULT_UNITS[name])}`;
  if (entity.types.includes('EmergencyUnit')) return statusText(a['unitStatus']);
  if (entity.types.includes('Incident')) return statusText(a['incidentStatus']);
  if (entity.types.includes('Alert')) return statusText(a['alertStatus']);
  for (const name of ['speed', 'precipitation24h', 'precipitation', 'tideLevel', 'waterLevel', 'temperature', 'windSpeed', 'value']) if (has(name)) return say(name);
  if (entity.types.includes('RoadAccident')) return `${f.date(a['accidentDate'] as string)} · ${say('deaths')} · ${say('injured')}`;
  return '';
}

/** Units of the vocabulary, used where the entity itself does not say one. */
export const DEFAULT_UNITS: Record<string, string> = {
  speed: 'KMH', bearing: 'DD', windSpeed: 'KMH', windDirection: 'DD', precipitation: 'MMT', precipitation24h: 'MMT', tideLevel: 'MTR', waterLevel: 'MTR', tideLevelMsl: 'MTR', nextHighTideLevel: 'MTR', nextLowTideLevel: 'MTR', uncertaintyM: 'MTR', precipitation1h: 'MMT', officialAreaKm2: 'KMK',
  deaths: 'IE', injured: 'IE', crew: 'IE', length: 'MTR', areaKm2: 'KMK', temperature: 'CEL', pm25: 'GQ', etaSeconds: 'SEC', routeLengthM: 'MTR',
};
const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text);

/** A value as a person reads it: code words, numbers with unit, times, language maps, lists. */
export function valueText(name: string, value: unknown, unit?: string): string {
  if (value === null || value === undefined || value === '') return t(common.unknown);
  if (name === 'etaSeconds' && typeof value === 'number') return f.duration(value);
  if (name === 'routeLengthM' && typeof value === 'number') return f.distance(value);
  if (typeof value === 'number') {
    const digits = Math.abs(value) < 10 ? 2 : 1;
    const text = f.unit(unit);
    return text ? `${f.num(value, digits)} ${text}` : f.num(value, digits);
  }
  if (typeof value === 'boolean') return t(value ? common.yes : common.no);
  if (typeof value === 'string') {
    if (name === 'unitType') return unitText(value);
    if (name === 'incidentType') return vocabulary.incidentType(value) || value;
    if (name === 'agency') return value;
    if (name.endsWith('By')) return half(value); // a person or a part of the platform
    if (name === 'origin') return lookup(originWords, value) ?? value;
    if (name === 'severity') return lookup(severityWords, value) ?? value;
    if (name.endsWith('Status')) return lookup(statusWords, value) ?? lookup(valueWords, value) ?? value;
    if (isTime(value)) return f.dateTime(value);
    return lookup(valueWords, value) ?? value;
  }
  if (Array.isArray(value)) return value.length === 0 ? t(common.none) : value.map((part) => valueText(name, part, unit)).join(', ');
  if (typeof value === 'object') {
    const time = (value as { '@value'?: unknown })['@value'];
    if (typeof time === 'string') return valueText(name, time);
    return nameText(value);
  }
  return String(value);
}

/** When the entity last said something: the newest observation, otherwise its last change. */
export function freshAt(entity: LiveEntity): string | undefined {
  let newest: string | undefined;
  for (const at of Object.values(entity.t ?? {})) if (newest === undefined || Date.parse(at) > Date.parse(newest)) newest = at;
  return newest ?? entity.m;
}
export const isExercise = (entity: LiveEntity): boolean =>
  entity.a['exercise'] === true || (entity.s ?? []).some((scope) => scope === '/exercise' || scope.startsWith('/exercise/'));

interface Evidence {
  attribute?: string;
  value?: unknown;
  op?: string;
  threshold?: unknown;
  perSeconds?: number;
  silentSeconds?: number;
}
/** Did this value cross its limit? Where an alert has several reasons, those that did not hold are not told. */
function crossed({ value, op, threshold }: Evidence): boolean | null {
  if (typeof value !== 'number' || typeof threshold !== 'number') return null;
  switch (op) {
    case '>=':
      return value >= threshold;
    case '>':
      return value > threshold;
    case '<=':
      return value <= threshold;
    case '<':
      return value < threshold;
    default:
      return null;
  }
}
/** What was measured and the limit it crossed, from an alert's `data`. */
export function crossedText(alert: LiveEntity): string {
  const data = alert.a['data'];
  const all = (Array.isArray(data) ? data : data ? [data] : []) as Evidence[];
  const held = all.filter((row) => crossed(row) !== false);
  return (held.length > 0 ? held : all)
    .map((row) => {
      if (!row.attribute || row.attribute === 'location') return '';
      const what = attrText(row.attribute);
      const unit = DEFAULT_UNITS[row.attribute];
      if (typeof row.silentSeconds === 'number') return t(msg.silent, { what, time: f.duration(row.silentSeconds) });
      if (row.value === null || row.value === undefined || typeof row.value === 'object') return '';
      const value = valueText(row.attribute, row.value, unit);
      const change = typeof row.perSeconds === 'number' ? ` ${t(msg.within, { time: f.duration(row.perSeconds) })}` : '';
      const limits = Array.isArray(row.threshold) ? row.threshold : [row.threshold];
      const limit = limits.filter((one) => typeof one === 'number').map((one) => valueText(row.attribute!, one, unit)).join(' – ');
      return limit ? t(msg.crossed, { what: what + change, value, limit }) : `${what}${change} ${value}`;
    })
    .filter(Boolean)
    .join(' · ');
}

/** One line of an incident's timeline: what happened in the reader's language, and what somebody wrote as it is. */
export function entryText(entry: LiveEntity, unitName: (id: string) => string): string {
  const happened = own<Sentence>(timeline, String(entry.a['code']));
  const params = entry.a['params'];
  if (!happened || !isRecord(params)) return olderEntryText(entry, unitName);
  const written = entry.a['text'];
  return [sentence(happened, params), typeof written === 'string' ? written : ''].filter(Boolean).join(' · ');
}

/** A note, or an entry of a version that stored no codes. */
function olderEntryText(entry: LiveEntity, unitName: (id: string) => string): string {
  const said = nameText(entry.a['text']);
  const status = statusText(entry.a['step']);
  switch (entry.a['entryType']) {
    case 'created':
      return [t(msg.entryCreated), said].filter(Boolean).join(': ');
    case 'step':
      return [t(msg.entryStep, { status }), said].filter(Boolean).join(' · ');
    case 'follows':
      return t(msg.entryFollows, { status });
    case 'assignment': {
      const unit = unitName(String(entry.a['refUnit'] ?? '')) || said;
      return t(msg.entryUnit, { unit, status });
    }
    default:
      return said;
  }
}
