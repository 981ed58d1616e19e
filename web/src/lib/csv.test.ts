import { describe, expect, it } from 'vitest';
import { csvText, fileName, type Cell } from './csv';

const one = (value: Cell): string => csvText([['x'], [value]]).split('\r\n')[1]!;

describe('a CSV file', () => {
  it('begins with a byte order mark and ends its lines as RFC 4180 says', () => expect(csvText([['ก', 'b'], [1, 'ข']])).toBe('\ufeffก,b\r\n1,ข\r\n'));
  it('quotes what would end a cell', () => expect(csvText([['a'], ['x,"y"\nz']])).toBe('\ufeffa\r\n"x,""y""\nz"\r\n'));
  it.each(['=1+1', '+cmd', '-2+3', '@SUM(A1)', '\t=1', '-', "=HYPERLINK('x')"])('lets no spreadsheet run %j', (text) => expect(one(text)).toMatch(/^"?'/));
  it.each([['-5', '-5'], ['+3.5', '+3.5'], [-2.5, '-2.5'], [1e-7, '1e-7'], ['-1e3', '-1e3']])('leaves the number %j', (value, text) => expect(one(value)).toBe(text));
  it('leaves out what is not known', () => expect([null, undefined, NaN, ''].map(one)).toEqual(['', '', '', '']));
});

describe('its name', () => {
  it('keeps Thai', () => expect(fileName('จำนวนเหตุ: ทั้งหมด (2569)')).toBe('จำนวนเหตุ-ทั้งหมด-2569.csv'));
  it('is never empty', () => expect(fileName('/../')).toBe('table.csv'));
});
