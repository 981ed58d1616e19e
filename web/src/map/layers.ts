/** Layers of the map: the vocabulary says which there are and what they show, rooms how they are drawn. */
import { typeRow } from '$entities/describe';
import { layers as words, types } from '$generated/vocabulary';
import { rooms } from '$shell/registry';
import type { Layer, MapImage, PictureLayer } from '$shell/room';
import { glyphOf } from './glyphs';
import { crowd, signs } from './marks';
import { signImages, signOf } from './symbols';

/** A sign for each entity by its type; signs that overlap join into one with their number. */
const placeLayer = (id: string, icon: string | undefined): Layer => ({
  id,
  cluster: { radius: 30, maxZoom: 13 },
  properties: (entity) => ({ icon: signOf(glyphOf(typeRow(entity)?.icon)) }),
  style: ({ minZoom }) => [signs(id, minZoom), crowd(id, `${signOf(glyphOf(icon))}-many`, '--text-muted', minZoom)],
});

/** Signs of all types, and the images that rooms add. */
export function mapImages(): MapImage[] {
  const glyphs = new Set(Object.values(types).map((row) => glyphOf(row.icon)));
  return [...[...glyphs].flatMap(signImages), ...mapLayers().flatMap((layer) => layer.images?.() ?? [])];
}

let made: readonly PictureLayer[] | undefined;
/** All layers in drawing order. Made when it is first asked for: rooms are registered by then. */
export function mapLayers(): readonly PictureLayer[] {
  made ??= Object.entries(words).map(([id, row]) => {
    const shown = Object.keys(types).filter((type) => types[type]?.layer === id);
    const registered = rooms.flatMap((room) => room.layers ?? []).find((layer) => layer.id === id);
    const drawn = row.moving ? { id, ...registered } : registered?.style ? registered : { ...placeLayer(id, types[shown[0] ?? '']?.icon), ...registered };
    return { ...drawn, ...row, types: shown };
  });
  return made;
}
export const layerOf = (id: string): PictureLayer => mapLayers().find((layer) => layer.id === id)!;

/** Layers in the address: only what differs from the default, "~schools,-weather". */
export function readLayers(text: string | null): Set<string> {
  const on = new Set(mapLayers().filter((layer) => layer.on).map((layer) => layer.id));
  for (const part of (text ?? '').split(',')) {
    const id = part.slice(1);
    if (!mapLayers().some((layer) => layer.id === id)) continue;
    if (part.startsWith('-')) on.delete(id);
    else on.add(id);
  }
  return on;
}
export function writeLayers(on: ReadonlySet<string>): string | null {
  const parts = mapLayers()
    .filter((layer) => on.has(layer.id) !== layer.on)
    .map((layer) => (on.has(layer.id) ? '~' : '-') + layer.id);
  return parts.length ? parts.join(',') : null;
}
