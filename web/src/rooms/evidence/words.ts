/** Values of evidence as people read them. */
import { attrText, defaultUnit, kindText, titleText, valueText } from '$entities/describe';
import { licenceText } from '$entities/licences';
import { dateTime, num, withUnit } from '$lib/format';
import { half, nameText, t, type Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
import type { EvidenceAnswer, EvidenceEntity, EvidenceHand } from '$generated/api';
import { msg } from './messages';

type Value = number | string | Message | null;

/** A value with its unit; texts that are codes or times have their words. */
export function figureText(value: Value, unit: Message | null = null, attribute = ''): string {
  if (value === null) return '–';
  if (typeof value === 'number') return withUnit(num(value, Number.isInteger(value) ? 0 : 3), unit ? t(unit) : '');
  return typeof value === 'string' ? valueText(attribute, value) : t(value);
}

/** The value of the figure itself: that of an attribute is written as elsewhere. */
export function valueOfFigure(basis: EvidenceAnswer): string {
  const row = basis.entities[0];
  if (basis.kind === 'attribute' && row && row.value !== null) return valueIn(row);
  return figureText(basis.value, basis.unit, basis.attribute);
}

const live = (row: EvidenceEntity): LiveEntity => ({ id: row.id, type: row.type, types: [...row.types], a: { name: row.name }, t: {} }) as LiveEntity;

export const nameIn = (row: EvidenceEntity): string => titleText(live(row));
export const kindIn = (row: EvidenceEntity): string => kindText(live(row));
export const attributeIn = (row: EvidenceEntity): string => (row.attribute ? attrText(row.attribute) : '');
export const valueIn = (row: EvidenceEntity): string => (row.value === null ? '–' : valueText(row.attribute, row.value, row.unit || defaultUnit(row.attribute)));
/** Changed by hand: by whom and when, for those who may know. */
export function handIn(hand: EvidenceHand): string {
  const what = t(hand.afterLoading ? msg.changedByHand : msg.enteredByHand);
  return hand.by === null ? what : `${what}: ${hand.by} · ${dateTime(hand.at, true)}`;
}
export const datasetIn = (row: EvidenceEntity): string => (row.dataset ? nameText(row.dataset.title) : '–');
export const sourceIn = (row: EvidenceEntity): string => half(row.source) || '–';
export const licenceIn = (row: EvidenceEntity): string => licenceText(row.licence) || '–';
