/**
 * Thai and English side by side: a message is an object with both texts, so a missing translation is a type error.
 * `messages()` only marks a group of them, so that the unit test can find and check every group.
 * Placeholders are `{name}`.
 */
export type Lang = 'th' | 'en';
export interface Message {
  readonly th: string;
  readonly en: string;
}
export type Params = Readonly<Record<string, string | number>>;

const STORE = 'andaman.lang';

export function preferredLang(saved: string | null, browser: readonly string[]): Lang {
  if (saved === 'th' || saved === 'en') return saved;
  for (const tag of browser) {
    if (tag.toLowerCase().startsWith('th')) return 'th';
    if (tag.toLowerCase().startsWith('en')) return 'en';
  }
  return 'th';
}

class Locale {
  lang: Lang = $state('th');

  /** Read the saved choice or the browser's languages. Call once at start. */
  init(): void {
    this.set(preferredLang(localStorage.getItem(STORE), navigator.languages), false);
  }

  set(lang: Lang, remember = true): void {
    this.lang = lang;
    document.documentElement.lang = lang;
    if (remember) localStorage.setItem(STORE, lang);
  }
}

export const locale = new Locale();

export function messages<T extends Record<string, Message>>(group: T): T {
  return group;
}

export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => String(params[key] ?? whole));
}

/** The text in the present language. Reactive wherever it is called from a template or a $derived. */
export function t(message: Message, params?: Params): string {
  const text = message[locale.lang];
  return params ? fill(text, params) : text;
}

/** A name in two languages, "ผู้สั่งการ / Dispatcher": the reader's half. Others as they are; not for what people wrote. */
export function half(said: string): string {
  const halves = said.split(' / ');
  if (halves.length !== 2) return said;
  const thai = halves.map((part) => /[ก-๙]/.test(part));
  return thai[0] === thai[1] ? said : halves[thai[0] === (locale.lang === 'th') ? 0 : 1]!;
}

/** A name from data: a language map `{th, en}`, a plain text, or nothing. Empty text when there is none. */
export function nameText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value !== null && typeof value === 'object') {
    const map = value as Record<string, unknown>;
    const other: Lang = locale.lang === 'th' ? 'en' : 'th';
    for (const key of [locale.lang, other, '@none', 'none', ...Object.keys(map)]) {
      const text = map[key];
      if (typeof text === 'string' && text !== '') return text;
    }
  }
  return '';
}

/** A sentence in both languages with its parameters, for those who show it later. */
export function both(said: Message, params: Readonly<Record<string, Message | string>>): Message {
  const half = (lang: Lang) => fill(said[lang], Object.fromEntries(Object.entries(params).map(([key, value]) => [key, typeof value === 'string' ? value : value[lang]])));
  return { th: half('th'), en: half('en') };
}
