import { describe, expect, it } from 'vitest';
import type { FormField } from '$generated/api';
import { locale } from '$lib/i18n.svelte';
import { differences } from './compare';
import { entered, lines, titleOf } from './form';

const field = (name: string, kind: FormField['kind'], more: Partial<FormField> = {}): FormField => ({
  name, kind, words: { th: name, en: name }, required: false, many: false, choices: [], register: '', entityType: '', length: 0, fields: [], ...more,
});
const none = () => [];
const letters = field('letters', 'text', { many: true });

describe('a comparison', () => {
  it('names the fields that differ and no others', () => {
    locale.lang = 'en';
    const found = differences([field('code', 'text'), field('name', 'words'), field('on', 'flag')], { name: { th: 'ก', en: 'A' }, on: true }, { name: { th: 'ก', en: 'B' }, on: true }, none);
    expect(found.map((one) => one.field.name)).toEqual(['name']);
    expect(found[0]!.before).toEqual([{ text: 'Thai: ก', differs: false }, { text: 'English: A', differs: true }]);
    expect(found[0]!.after.at(-1)).toEqual({ text: 'English: B', differs: true });
  });
  it('shortens a long run of equal lines and keeps the order', () => {
    const [found] = differences([letters], { letters: ['a', 'b', 'c', 'd', 'e'] }, { letters: ['b', 'c', 'd', 'f', 'e'] }, none);
    expect(found!.before).toEqual([{ text: 'a', differs: true }, { alike: 3 }, { text: 'e', differs: false }]);
    expect(found!.after).toEqual([{ alike: 3 }, { text: 'f', differs: true }, { text: 'e', differs: false }]);
  });
  it('shows all of what is created or deleted', () => {
    const [made] = differences([letters], null, { letters: ['a'] }, none);
    expect([made!.before, made!.after]).toEqual([[], [{ text: 'a', differs: true }]]);
    expect(differences([letters], { letters: ['a'] }, null, none)[0]!.after).toEqual([]);
  });
});

describe('lines', () => {
  const part = field('parts', 'part', { many: true, fields: [field('a', 'text'), field('b', 'words'), field('c', 'json')] });
  it('say each field of a part on a line of its own, and mark the item', () => {
    const value = [{ a: 'x', b: { th: 'ก', en: 'A' }, c: { d: 1 } }];
    expect(lines(part, value, none)).toEqual(['• a: x', '  b: ก / A', '  c: ', '    {', '      "d": 1', '    }']);
  });
  it('say a short part on one line', () => expect(lines(part, [{ a: 'x', b: { th: 'ก', en: 'A' } }], none)).toEqual(['a: x · b: ก / A']));
});

describe('a form', () => {
  const name = field('name', 'words');
  it('leaves out what nobody entered, and the code', () => {
    const fields = [field('code', 'text'), name, field('on', 'flag'), letters, field('part', 'part', { fields: [field('inner', 'text')] })];
    expect(entered(fields, { code: 'x', name: { th: '', en: '' }, on: false, letters: [], part: { inner: '' } })).toEqual({ on: false });
  });
  it('calls a definition by its name, or by its key where it has none', () => {
    expect(titleOf([field('code', 'text'), name], 'fire', { name: { th: 'ไฟไหม้', en: 'Fire' } })).toBe('Fire');
    expect(titleOf([name], 'fire', null)).toBe('fire');
  });
});
