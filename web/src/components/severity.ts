export type Severity = 'Extreme' | 'Severe' | 'Moderate' | 'Minor' | 'Unknown';
/** CAP 1.2 severities, worst first. */
export const SEVERITIES: readonly Severity[] = ['Extreme', 'Severe', 'Moderate', 'Minor', 'Unknown'];

export function asSeverity(value: unknown): Severity {
  return SEVERITIES.includes(value as Severity) ? (value as Severity) : 'Unknown';
}
export const severityRank = (value: unknown): number => SEVERITIES.indexOf(asSeverity(value));
/** Name of the colour token of a severity. */
export const severityToken = (value: unknown): string => `--${asSeverity(value).toLowerCase()}`;

/** SVG path of each shape on a 16-unit square: octagon, triangle, diamond, circle, hollow square. */
export const severityShapes: Record<Severity, string> = {
  Extreme: 'M5.100 1h5.800L15 5.100v5.800L10.900 15H5.100L1 10.900V5.100L5.100 1Z',
  Severe: 'M8 1.200 15.400 14.600H.6L8 1.200Z',
  Moderate: 'M8 .8 15.200 8 8 15.200.8 8 8 .8Z',
  Minor: 'M8 1.200a6.800 6.800 0 1 1 0 13.600A6.800 6.800 0 0 1 8 1.200Z',
  Unknown: 'M2 2h12v12H2V2Zm2.400 2.400v7.200h7.200V4.400H4.400Z',
};
