import { describe, expect, it } from 'vitest';
import { pointText, readPoint } from './coordinates';

const SAME = [
  '7.8804, 98.3923',
  '7.8804 98.3923',
  '98.3923, 7.8804',
  '7.8804N 98.3923E',
  '98.3923 E, 7.8804 N',
  '๗.๘๘๐๔, ๙๘.๓๙๒๓',
  '7°52\'49.44"N 98°23\'32.28"E',
  '7°52′49.44″N, 98°23′32.28″E',
  '7 52 49.44 N 98 23 32.28 E',
  '7°52\'49.44"เหนือ 98°23\'32.28"ตะวันออก',
];

describe('coordinates', () => {
  it.each(SAME)('%s', (text) => {
    const [lon, lat] = readPoint(text)!;
    expect(lon).toBeCloseTo(98.3923, 5);
    expect(lat).toBeCloseTo(7.8804, 5);
  });
  it('are read again as they are written', () => {
    for (let i = 0; i < 200; i += 1) {
      const point: [number, number] = [Math.random() * 360 - 180, Math.random() * 180 - 90];
      const [lon, lat] = readPoint(pointText(point))!;
      expect(Math.abs(lon - point[0])).toBeLessThan(1e-5);
      expect(Math.abs(lat - point[1])).toBeLessThan(1e-5);
    }
  });
  it.each(['', 'ป่าตอง', '7.88', '402', '91, 181', '7°61\'0"N 98°0\'0"E', '7N 98N', '7N 98', '7.88, 98.39, 5', 'soi 7, 98'])('not: %s', (text) => expect(readPoint(text)).toBeNull());
});
