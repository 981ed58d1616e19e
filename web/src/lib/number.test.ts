import { expect, it } from 'vitest';
import { arabic, numberOf } from './number';

it('Thai digits are digits', () => {
  expect(arabic('๐๑๒๓๔๕๖๗๘๙ บาท')).toBe('0123456789 บาท');
  expect(['๖๐๐', '-๕.๒๕', '1,234,567.5', ' 7 '].map(numberOf)).toEqual([600, -5.25, 1234567.5, 7]);
});
it('what is no number stays as it was typed, and nothing is not zero', () => {
  expect(['', '  ', 'หกร้อย', '12,5', '1e999'].map(numberOf)).toEqual([null, null, 'หกร้อย', '12,5', '1e999']);
});
