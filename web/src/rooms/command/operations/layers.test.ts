import { describe, expect, it } from 'vitest';
import { DEFAULT_ON, LAYERS, readLayers, writeLayers, type LayerId } from './layers';

describe('layers in the address', () => {
  it('what was written is read again, for every choice of two layers', () => {
    for (const a of LAYERS) {
      for (const b of LAYERS) {
        const on = new Set<LayerId>(DEFAULT_ON);
        for (const id of [a.id, b.id]) if (!on.delete(id)) on.add(id);
        expect(readLayers(writeLayers(on))).toEqual(on);
      }
    }
  });
  it('the default needs no words, nonsense is ignored', () => {
    expect(writeLayers(new Set(DEFAULT_ON))).toBeNull();
    expect(readLayers('~nonsense,,x')).toEqual(new Set(DEFAULT_ON));
  });
});
