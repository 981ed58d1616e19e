/** Patterns of the values of a map, so that colour is not the only difference. They run on from cell to cell. */

/** Points of a pattern along the side of one cell. */
export const SIDE = 2;
const TILE = 12;

type Pattern = (x: number, y: number) => boolean;
const rising: Pattern = (x, y) => (x + y) % TILE === 0;
const falling: Pattern = (x, y) => (x - y + TILE) % TILE === 0;
const patterns: readonly Pattern[] = [
  () => false, // plain
  (x, y) => x % 6 < 2 && y % 6 < 2, // dots
  rising, // lines
  (x, y) => rising(x, y) || falling(x, y), // a lattice
  (_, y) => y % 6 === 0, // bars
];

/** Is the point (x, y) of the plane dark for this value (1, 2, …)? A value beyond the last one is plain. */
export const isDark = (value: number, x: number, y: number): boolean => patterns[value - 1]?.(x % TILE, y % TILE) ?? false;
