import { describe, expect, it } from 'vitest';
import { namesPattern, partsOf } from './keep';

const pattern = namesPattern(['ภูเก็ต', 'เมืองภูเก็ต', 'ป่าตอง', 'วัด']);
const kept = (text: string) => partsOf(text, pattern).filter((part) => part.keep).map((part) => part.text);

describe('names that no line breaks', () => {
  it('are the longest that fit, with what a place is', () => expect(kept('ปริมาณฝน อ.เมืองภูเก็ต ถึงหาดป่าตอง')).toEqual(['อ.เมืองภูเก็ต', 'หาดป่าตอง']));
  it('leave the text as it is', () => {
    for (const text of ['', 'ป่าตอง', 'จากป่าตองไปภูเก็ต', 'ไม่มีชื่อ']) expect(partsOf(text, pattern).map((part) => part.text).join('')).toBe(text);
  });
  it('are none where no name is known, and short words stay free', () => {
    expect(partsOf('ป่าตอง', null)).toEqual([{ text: 'ป่าตอง', keep: false }]);
    expect(kept('วัดหลวง')).toEqual([]);
  });
});
