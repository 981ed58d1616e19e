/**
 * Numbers, dates and units for people: Thai with Buddhist-era years, always Asia/Bangkok, digits 0–9.
 * All functions read the present language, so they are reactive in templates.
 */
import { unitWords } from '$generated/codes';
import { locale, type Lang } from './i18n.svelte';

const TAGS: Record<Lang, string> = { th: 'th-TH-u-ca-buddhist-nu-latn', en: 'en-GB-u-ca-gregory-nu-latn' };
const ZONE = 'Asia/Bangkok';
const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

function numbers(lang: Lang, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = lang + JSON.stringify(options);
  let format = numberFormats.get(key);
  if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(TAGS[lang], options)));
  return format;
}

function dates(lang: Lang, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang + JSON.stringify(options);
  let format = dateFormats.get(key);
  if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(TAGS[lang], { ...options, timeZone: ZONE })));
  return format;
}

export type Moment = string | number | Date | null | undefined;
const valid = (at: Moment): Date | null => {
  if (at === null || at === undefined || at === '') return null;
  const date = at instanceof Date ? at : new Date(at);
  return Number.isNaN(date.getTime()) ? null : date;
};
const NONE = '–';

/** 1,234.5; at most `digits` decimals. Unknown is a dash, never zero. */
export function num(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return numbers(locale.lang, { maximumFractionDigits: digits }).format(value);
}
/** 0.123 → 12.3 % */
export function percent(share: number | null | undefined, digits = 0): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  return numbers(locale.lang, { style: 'percent', maximumFractionDigits: digits }).format(share);
}
/** 92.9 (of a hundred) → ร้อยละ 92.9 / 92.9% */
export function inPercent(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return locale.lang === 'th' ? `ร้อยละ ${num(value, digits)}` : `${num(value, digits)}%`;
}
/** Baht, short form for large sums: ฿12.5 ล้าน / THB 12.5M. */
export function thb(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const big = Math.abs(value) >= 1e6;
  const text = numbers(locale.lang, {
    notation: big ? 'compact' : 'standard',
    maximumFractionDigits: big ? 1 : 0,
  }).format(value);
  return locale.lang === 'th' ? `${text} บาท` : `THB ${text}`;
}
/** 22 พ.ย. 2569 / 22 Nov 2026 */
export const date = (at: Moment): string => {
  const d = valid(at);
  return d ? dates(locale.lang, { day: 'numeric', month: 'short', year: 'numeric' }).format(d).replace(/ พ\.ศ\. ?/, ' ') : NONE;
};
/** 22 พฤศจิกายน 2569 */
export const dateLong = (at: Moment): string => {
  const d = valid(at);
  return d ? dates(locale.lang, { day: 'numeric', month: 'long', year: 'numeric' }).format(d).replace(/ พ\.ศ\. ?/, ' ') : NONE;
};
/** พฤศจิกายน 2569 */
export const month = (at: Moment): string => {
  const d = valid(at);
  return d ? dates(locale.lang, { month: 'long', year: 'numeric' }).format(d).replace(/ พ\.ศ\. ?/, ' ') : NONE;
};
/** A year as people count it: 2026 → 2569 in Thai. */
export const year = (gregorian: number): string => String(locale.lang === 'th' ? gregorian + 543 : gregorian);
/** 14:32 or 14:32:07 */
export const time = (at: Moment, seconds = false): string => {
  const d = valid(at);
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return d ? dates(locale.lang, seconds ? { ...options, second: '2-digit' } : options).format(d) : NONE;
};
/** 22 พ.ย. 2569 14:32 */
export const dateTime = (at: Moment, seconds = false): string => (valid(at) ? `${date(at)} ${time(at, seconds)}` : NONE);

/** The time of day when it was the same day as `now`; otherwise the short date with it. */
export function clockTime(at: Moment, now: number): string {
  const d = valid(at);
  if (!d) return NONE;
  return date(d) === date(now) ? time(d) : `${dates(locale.lang, { day: 'numeric', month: 'short' }).format(d)} ${time(d)}`;
}
/** A number with its unit; "ร้อยละ" comes before the number in Thai: ร้อยละ 92.5, ร้อยละ 79.8 ของพื้นที่, ลดลงร้อยละ 26.6. */
export function withUnit(number: string, unitText: string): string {
  if (unitText.startsWith('ร้อยละ')) {
    const falls = /^[-−]/.test(number);
    return `${falls ? 'ลดลง' : ''}ร้อยละ ${falls ? number.slice(1) : number} ${unitText.slice('ร้อยละ'.length)}`.trim();
  }
  return unitText === '%' ? `${number}%` : `${number} ${unitText}`.trim();
}

const AGE: Record<Lang, { now: string; s: string; min: string; h: string; d: string }> = {
  th: { now: 'เมื่อสักครู่', s: '{n} วินาทีที่แล้ว', min: '{n} นาทีที่แล้ว', h: '{n} ชั่วโมงที่แล้ว', d: '{n} วันที่แล้ว' },
  en: { now: 'just now', s: '{n} s ago', min: '{n} min ago', h: '{n} h ago', d: '{n} days ago' },
};
/** How long ago, as people say it; older than 30 days: the date. `now` in ms. */
export function age(at: Moment, now: number): string {
  const d = valid(at);
  if (!d) return NONE;
  const seconds = Math.max(0, (now - d.getTime()) / 1000);
  const words = AGE[locale.lang];
  const say = (text: string, n: number) => text.replace('{n}', String(Math.floor(n)));
  if (seconds < 5) return words.now;
  if (seconds < 60) return say(words.s, seconds);
  if (seconds < 3600) return say(words.min, seconds / 60);
  if (seconds < 86_400) return say(words.h, seconds / 3600);
  if (seconds < 30 * 86_400) return say(words.d, seconds / 86_400);
  return date(d);
}

/** 95 s → 1 นาที 35 วินาที / 1:35 min; 4,000 s → 1 ชม. 6 นาที */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const th = locale.lang === 'th';
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} ${th ? 'วินาที' : 's'}`;
  // Thai says minutes and seconds; from ten minutes on, seconds say nothing to anyone who waits.
  if (s < 3600 && th) return s < 600 && s % 60 > 0 ? `${Math.floor(s / 60)} นาที ${s % 60} วินาที` : `${Math.round(s / 60)} นาที`;
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')} min`;
  const minutes = Math.floor((s % 3600) / 60);
  const hours = `${num(Math.floor(s / 3600), 0)} ${th ? 'ชม.' : 'h'}`;
  return minutes === 0 ? hours : `${hours} ${minutes} ${th ? 'นาที' : 'min'}`;
}
/** 850 m → 850 ม.; 3,210 m → 3.2 กม. */
export function distance(metres: number | null | undefined): string {
  if (metres === null || metres === undefined || !Number.isFinite(metres)) return NONE;
  const th = locale.lang === 'th';
  return metres < 1000 ? `${num(metres, 0)} ${th ? 'ม.' : 'm'}` : `${num(metres / 1000, 1)} ${th ? 'กม.' : 'km'}`;
}

/** A unit by its UN/CEFACT code, as people write it; a plain text that a feed uses stays as it is. */
export function unit(code: string | null | undefined): string {
  if (!code) return '';
  return Object.hasOwn(unitWords, code) ? unitWords[code as keyof typeof unitWords][locale.lang] : code;
}
