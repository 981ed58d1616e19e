import { describe, expect, it } from 'vitest';
import { attributes, layers, types } from '$generated/vocabulary';
import { rooms } from '$shell/registry';
import { isGlyph } from './glyphs';
import { mapLayers, readLayers, writeLayers } from './layers';

const initial = () => new Set(mapLayers().filter((layer) => layer.on).map((layer) => layer.id));

describe('layers', () => {
  it('are registered by one room each, for a layer of the vocabulary', () => {
    const registered = rooms.flatMap((room) => (room.layers ?? []).map((layer) => layer.id));
    expect(new Set(registered).size).toBe(registered.length);
    for (const id of registered) expect(layers).toHaveProperty(id);
  });
  it('are drawn by themselves when no room registers them', () => {
    const registered = new Set(rooms.flatMap((room) => (room.layers ?? []).map((layer) => layer.id)));
    const left = mapLayers().filter((layer) => !registered.has(layer.id) && !layer.moving);
    expect(left.length).toBeGreaterThan(0);
    for (const layer of left) expect(layer).toMatchObject({ types: expect.arrayContaining([expect.any(String)]), style: expect.any(Function) });
  });
});

describe('signs', () => {
  it('of types and codes are glyphs', () => {
    const icons = [...Object.values(types), ...Object.values(attributes).flatMap((row) => Object.values(row.codes ?? {}))].map((row) => row.icon);
    expect(icons.filter((icon) => icon !== undefined && !isGlyph(icon))).toEqual([]);
  });
});

describe('layers in the address', () => {
  it('what was written is read again, for every choice of two layers', () => {
    for (const a of mapLayers()) {
      for (const b of mapLayers()) {
        const on = initial();
        for (const id of [a.id, b.id]) if (!on.delete(id)) on.add(id);
        expect(readLayers(writeLayers(on))).toEqual(on);
      }
    }
  });
  it('the default needs no words, nonsense is ignored', () => {
    expect(writeLayers(initial())).toBeNull();
    expect(readLayers('~nonsense,,x')).toEqual(initial());
  });
});
