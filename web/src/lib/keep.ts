/** Names and compounds that a line must not break: Thai has no spaces, and a browser breaks at every word it knows. */

/** Compounds that are misread in two lines, whatever the city. */
export const COMPOUNDS: readonly string[] = ['โครงข่ายไร้สาย', 'โครงสร้างพื้นฐาน', 'หาดป่าตอง', 'แผนที่นำทาง'];

export interface Part {
  text: string;
  keep: boolean;
}

/** One expression for all names, the longest first, with the abbreviation before a name of a place; null for none. */
export function namesPattern(names: Iterable<string>): RegExp | null {
  const words = [...new Set(names)].filter((name) => [...name].length > 3).sort((a, b) => b.length - a.length);
  if (words.length === 0) return null;
  return new RegExp(`(?:(?:ต\\.|อ\\.|จ\\.|ตำบล|อำเภอ|จังหวัด|หาด|เขา)\\s?)?(?:${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'g');
}

/** The text in parts; those with `keep` stay in one line. Together they are the text. */
export function partsOf(text: string, pattern: RegExp | null): Part[] {
  if (!pattern) return [{ text, keep: false }];
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), keep: false });
    parts.push({ text: match[0], keep: true });
    at = match.index + match[0].length;
  }
  if (at < text.length || parts.length === 0) parts.push({ text: text.slice(at), keep: false });
  return parts;
}
