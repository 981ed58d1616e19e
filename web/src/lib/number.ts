/** Numbers as people type them: Thai digits, and commas between thousands. */

/** ๖๐๐ → 600; everything else stays as it was typed. */
export const arabic = (text: string): string => text.replace(/[๐-๙]/g, (digit) => String(digit.charCodeAt(0) - 0x0e50));

/** The number; null for an empty text; a text that is no number as it is, so that the server can refuse it by the field's name. */
export function numberOf(text: string): number | string | null {
  const plain = arabic(text).trim();
  if (plain === '') return null;
  const found = Number(/^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(',', '') : plain);
  return Number.isFinite(found) ? found : plain;
}
