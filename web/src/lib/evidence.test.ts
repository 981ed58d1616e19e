import { describe, expect, it } from 'vitest';
import { countOf, evidenceLink, figureOf, valueOf } from './evidence';

describe('the link of a figure', () => {
  const figures = [countOf('Incident', 'incidentStatus!="closed"'), valueOf('urn:ngsi-ld:Device:a/b', 'pm25'), ['indicator', 'ไทย 100 %?&#'] as const];
  it.each(figures)('leads back to the figure: %s %s', (kind, key) => {
    const address = new URL(evidenceLink([kind, key]), 'http://x');
    expect(figureOf(address.pathname)).toEqual([kind, key]);
    expect(address.search).toBe('');
  });
  it('keeps the instant', () => expect(evidenceLink(['a', 'b'], 0)).toBe('/evidence/a/b?at=1970-01-01T00%3A00%3A00.000Z'));
  it('is none for other paths', () => {
    for (const path of ['/', '/evidence', '/evidence/a', '/evidence/a/', '/data/a/b', '/evidence/a/%']) expect(figureOf(path)).toBeNull();
  });
});
