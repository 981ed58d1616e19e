/** The form of a definition: values of its fields, as people read them and as the server wants them. */
import { nameText, t, type Message } from '$lib/i18n.svelte';
import { numberOf } from '$lib/number';
import { common } from '$components/messages';
import type { FormField } from '$generated/api';
import { msg } from './messages';

export type Document = Readonly<Record<string, unknown>>;
/** The definitions of a kind, or the entities of a type, as choices for a field that names one. */
export type Choices = (kind: string) => readonly { value: string; label: string }[];

/** Members of a value that is an object; none for another value. */
export const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The initial value of a field in a new form. */
export function blank(field: FormField): unknown {
  if (field.many) return [];
  if (field.kind === 'words') return { th: '', en: '' };
  if (field.kind === 'flag') return false;
  if (field.kind === 'part' || field.kind === 'json') return {};
  return '';
}

/** Nothing was entered: such a value is left out. */
function isBlank(field: FormField, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (field.many) return list(value).length === 0;
  if (field.kind === 'words') return !record(value)['th'] && !record(value)['en'];
  if (field.kind === 'part') return field.fields.every((inner) => isBlank(inner, record(value)[inner.name]));
  return false;
}

/** What a person entered, without the fields that they left empty and without the code. */
export function entered(fields: readonly FormField[], draft: Document): Record<string, unknown> {
  const given = fields.filter((field) => field.name !== 'code' && (field.kind === 'flag' || !isBlank(field, draft[field.name])));
  return Object.fromEntries(given.map((field) => [field.name, draft[field.name]]));
}

/** A number as the server wants it. Other text goes as it is, and comes back with an error. */
export const typedNumber = (text: string): unknown => numberOf(text) ?? '';

/** The name of a definition: its first field in two languages. */
export function titleOf(fields: readonly FormField[], key: string, document: Document | null): string {
  const field = fields.find((one) => !one.many && (one.kind === 'words' || (one.kind === 'part' && one.fields.every((inner) => inner.name === 'th' || inner.name === 'en'))));
  return (field && document && nameText(record(document[field.name]))) || key;
}

const shown = (label: Message, text: string): string => `${t(label)}: ${text}`;

const bothLanguages = (value: unknown): string => `${String(record(value)['th'] ?? '')} / ${String(record(value)['en'] ?? '')}`;
/** An item of a list: on one line if it has at most two, otherwise marked as one item. */
const listed = (item: string[]): string[] => (item.length <= 2 ? [item.join(' · ')] : item.map((line, at) => (at === 0 ? `• ${line}` : `  ${line}`)));

/** A value in words, one line for each thing that it holds; none for an empty value. */
export function lines(field: FormField, value: unknown, choices: Choices): string[] {
  if (isBlank(field, value)) return [];
  if (field.many && field.kind === 'words') return list(value).map(bothLanguages);
  if (field.many) return list(value).flatMap((item) => listed(lines({ ...field, many: false }, item, choices)));
  switch (field.kind) {
    case 'words':
      return [shown(msg.thai, String(record(value)['th'] ?? '')), shown(msg.english, String(record(value)['en'] ?? ''))];
    case 'flag':
      return [t(value === true ? common.yes : common.no)];
    case 'choice': {
      const choice = field.choices.find((one) => one.value === value);
      return [choice ? t(choice.words) : String(value)];
    }
    case 'code':
    case 'entity':
      return [choices(field.register || field.entityType).find((one) => one.value === value)?.label ?? String(value)];
    case 'part':
      return field.fields.flatMap((inner) => {
        const content = record(value)[inner.name];
        if (inner.kind === 'words' && !inner.many && !isBlank(inner, content)) return [shown(inner.words, bothLanguages(content))];
        const found = lines(inner, content, choices);
        return found.length > 1 ? [shown(inner.words, ''), ...found.map((line) => `  ${line}`)] : found.map((line) => shown(inner.words, line));
      });
    case 'json':
      return JSON.stringify(value, null, 2).split('\n');
    default:
      return String(value).split('\n');
  }
}

const alike = (one: unknown, other: unknown): boolean => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
/** The fields in which two documents differ. */
export const changedFields = (fields: readonly FormField[], one: Document, other: Document): FormField[] => fields.filter((field) => field.name !== 'code' && !alike(one[field.name], other[field.name]));

/** What I entered, on top of what a colleague put into force meanwhile: their value where I changed nothing. */
export function onTopOf(fields: readonly FormField[], begun: Document, mine: Document, theirs: Document): Record<string, unknown> {
  const own = new Set(changedFields(fields, begun, mine).map((field) => field.name));
  return Object.fromEntries(fields.filter((field) => field.name !== 'code').map((field) => [field.name, own.has(field.name) ? mine[field.name] : theirs[field.name]]));
}

/** Line and column of the fault of a JSON text; null for valid JSON, or where the browser does not say. */
export function faultOf(text: string): { line: number; column: number } | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const said = String(error);
    const place = /line (\d+) column (\d+)/.exec(said);
    if (place) return { line: Number(place[1]), column: Number(place[2]) };
    const at = /position (\d+)/.exec(said);
    const before = text.slice(0, at ? Number(at[1]) : text.length).split('\n');
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }
}
