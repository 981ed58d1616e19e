/** The form of a register, as the server makes it from the row (src/andaman/register.py). */
import type { Message } from '$lib/i18n.svelte';

export type FieldKind = 'text' | 'words' | 'integer' | 'number' | 'flag' | 'choice' | 'code' | 'part';
export interface FormField {
  name: string;
  words: Message;
  kind: FieldKind;
  required: boolean;
  /** A list of such values, in order. */
  many: boolean;
  choices: readonly { value: string; words: Message }[];
  /** The register whose codes it holds. */
  register: string;
  fields: readonly FormField[];
}
export interface Row {
  code: string;
  row: Record<string, unknown>;
  /** One problem document for each wrong field; such a row is not in use. */
  errors: readonly Record<string, unknown>[];
}
export interface Register {
  name: string;
  words: Message;
  fields: readonly FormField[];
  rows: readonly Row[];
}

/** What a new value of a field begins with. */
export function blank(field: FormField): unknown {
  if (field.many) return [];
  if (field.kind === 'words') return { th: '', en: '' };
  if (field.kind === 'flag') return false;
  if (field.kind === 'part') return {};
  return '';
}

/** Members of a value that is an object; none for another value. */
export const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A number field's text as the server wants it; what is no number goes as it is, and comes back with an error. */
export function numberOf(text: string): unknown {
  const found = Number(text);
  return text.trim() === '' ? '' : Number.isFinite(found) ? found : text;
}
