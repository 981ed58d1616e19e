/** Laws of every text on every screen: both languages, same placeholders, the right script. */
import { describe, expect, it } from 'vitest';
import { fill, preferredLang, type Message } from './i18n.svelte';

const files = import.meta.glob<Record<string, unknown>>(['../**/messages*.ts', '../generated/vocabulary.ts'], { eager: true });
const isMessage = (value: unknown): value is Message =>
  value !== null && typeof value === 'object' && typeof (value as Message).th === 'string' && typeof (value as Message).en === 'string';

const all: [string, Message][] = [];
function collect(where: string, value: unknown): void {
  if (isMessage(value)) all.push([where, value]);
  else if (value !== null && typeof value === 'object') for (const [key, inner] of Object.entries(value)) collect(`${where}.${key}`, inner);
}
for (const [file, module] of Object.entries(files)) if (!file.includes('.test.')) for (const [name, group] of Object.entries(module)) collect(`${file} ${name}`, group);
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe('messages', () => {
  it('finds the groups of all pages', () => expect(all.length).toBeGreaterThan(50));
  it.each(all)('%s has both texts with the same placeholders', (_where, message) => {
    expect(message.th.trim()).not.toBe('');
    expect(message.en.trim()).not.toBe('');
    expect(placeholders(message.th)).toEqual(placeholders(message.en));
  });
  it.each(all.filter(([where]) => !where.endsWith('msg.language')))('%s has no Thai letters in English', (_where, message) => {
    expect(message.en).not.toMatch(/[\u0e00-\u0e7f]/);
  });
  it('fills placeholders and leaves unknown ones', () => {
    expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
  });
  it('takes the saved language, then the browser, then Thai', () => {
    expect(preferredLang('en', ['th'])).toBe('en');
    expect(preferredLang(null, ['th-TH', 'en'])).toBe('th');
    expect(preferredLang(null, ['de', 'en-GB'])).toBe('en');
    expect(preferredLang(null, ['fr'])).toBe('th');
  });
});
