/** What an alert says was measured, and the limit that it crossed. */
import { attrText, defaultUnit, isOld, titleText, valueText } from '$entities/describe';
import * as f from '$lib/format';
import { t } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import { msg } from './messages';

interface Evidence {
  attribute?: string;
  observedAt?: string;
  value?: unknown;
  op?: string;
  threshold?: unknown;
  perSeconds?: number;
  silentSeconds?: number;
}
/** Did this value cross its limit? Where an alert has several reasons, those that did not hold are left out. */
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
const evidenceIn = (data: unknown): readonly Evidence[] => (Array.isArray(data) ? data : data ? [data] : []) as Evidence[];
/** The latest value and the limit it crossed; the value when the alert was raised, if that was another one; the time of what is old. */
export function crossedText(alert: LiveEntity, now: number): string {
  const all = evidenceIn(alert.a['data']);
  const first = evidenceIn(alert.a['firstData']);
  const held = all.filter((row) => crossed(row) !== false);
  return (held.length > 0 ? held : all)
    .map((row) => {
      if (!row.attribute || row.attribute === 'location') return '';
      const what = attrText(row.attribute);
      const unit = defaultUnit(row.attribute);
      if (typeof row.silentSeconds === 'number') return t(msg.silent, { what, time: f.duration(row.silentSeconds) });
      if (row.value === null || row.value === undefined || typeof row.value === 'object') return '';
      const before = first.find((one) => one.attribute === row.attribute && one.perSeconds === row.perSeconds && one.op === row.op)?.value;
      const latest = valueText(row.attribute, row.value, unit);
      const time = f.clockTime(row.observedAt ?? null, now);
      const value =
        typeof before === 'number' && before !== row.value ? t(msg.latest, { value: latest, time, before: valueText(row.attribute, before, unit) }) : isOld(row.observedAt, now) ? t(msg.asOf, { value: latest, time }) : latest;
      const limits = Array.isArray(row.threshold) ? row.threshold : [row.threshold];
      const limit = limits.filter((one) => typeof one === 'number').map((one) => valueText(row.attribute!, one, unit)).join(' – ');
      if (typeof row.perSeconds === 'number') return t(msg.changed, { what, value, limit, time: f.duration(row.perSeconds) });
      // The limit that is reached exactly says nothing new where the title has the number already.
      if (value === latest && row.value === row.threshold && new RegExp(`(^|\\D)${f.num(row.value as number)}(\\D|$)`).test(titleText(alert))) return t(msg.limitOnly, { what, limit });
      return limit ? t(msg.crossed, { what, value, limit }) : `${what} ${value}`;
    })
    .filter(Boolean)
    .join(' · ');
}
