import { describe, expect, it } from 'vitest';
import { attributes, layers, types } from './vocabulary';

describe('the vocabulary', () => {
  it('has words for every attribute that a type has, or hides it', () => {
    const silent = Object.entries(types).flatMap(([type, row]) =>
      row.attributes.filter((name) => !attributes[name]?.words && !attributes[name]?.hidden).map((name) => `${type}.${name}`),
    );
    expect(silent).toEqual([]);
  });
  it('knows every layer, attribute and type that its rows name', () => {
    for (const row of Object.values(types)) {
      if (row.layer) expect(layers).toHaveProperty(row.layer);
      const named = [row.kind, ...(row.brief ? ('all' in row.brief ? row.brief.all : row.brief.first) : [])];
      for (const name of named) if (name) expect(row.attributes).toContain(name);
    }
    for (const row of Object.values(attributes)) if (row.lastPartOf) expect(types).toHaveProperty(row.lastPartOf);
  });
  it('shows every layer something', () => {
    const used = new Set(Object.values(types).map((row) => row.layer));
    expect(Object.keys(layers).filter((id) => !used.has(id))).toEqual([]);
  });
});
