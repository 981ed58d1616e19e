/** Units on the map: a sign for what they are, filled while they work, dashed while they are off duty. */
import type { ExpressionSpecification, LayerSpecification, SymbolLayerSpecification } from 'maplibre-gl';
import { unitType } from '../core/kinds';
import { unitState } from '../core/state';
import { token } from '$lib/theme.svelte';
import { GLYPHS, glyphOf, type Glyph } from '$map/glyphs';
import { crowd, symbols } from '$map/marks';
import { glyph, manyImage, paint } from '$map/symbols';
import type { Layer, MapImage } from '$shell/room';

const STATES = ['free', 'busy', 'off'] as const;

const signFor = (code: string): Glyph => glyphOf(unitType(code)?.icon);

function images(): MapImage[] {
  const [text, quiet, line, halo] = [token('--text'), token('--surface'), token('--line-strong'), token('--map-halo')];
  const one = (name: Glyph, state: (typeof STATES)[number]): MapImage =>
    paint(`unit-${name}-${state}`, 26, (pen) => {
      pen.beginPath();
      pen.arc(13, 13, 11, 0, 7);
      pen.fillStyle = state === 'busy' ? text : quiet;
      pen.globalAlpha = state === 'off' ? 0.55 : 1;
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = state === 'busy' ? halo : state === 'off' ? line : text;
      if (state === 'off') pen.setLineDash([3, 3]);
      pen.stroke();
      glyph(pen, name, 26, 13, state === 'busy' ? quiet : text);
    });
  const glyphs = Object.keys(GLYPHS) as Glyph[]; // a register may name any of them
  return [...glyphs.flatMap((name) => STATES.map((state) => one(name, state))), ...(['none', 'sign', 'all'] as const).map((filled) => manyImage(`unit-many-${filled}`, 'truck', text, text, 10, filled))];
}

/** Several units in one place: dark as far as they work, so that a number never hides who is free. */
function crowdOfUnits(id: string): LayerSpecification {
  const all: ExpressionSpecification = ['>=', ['get', 'busy'], ['get', 'point_count']];
  const shown = crowd(id, ['case', ['==', ['get', 'busy'], 0], 'unit-many-none', all, 'unit-many-all', 'unit-many-sign'], '--text') as SymbolLayerSpecification;
  const [text, surface] = [token('--text'), token('--surface')];
  return { ...shown, paint: { ...shown.paint, 'text-color': ['case', all, surface, text], 'text-halo-color': ['case', all, text, surface] } };
}

export const layer: Layer = {
  id: 'units',
  core: true,
  properties: (unit) => ({ icon: `unit-${signFor(String(unit.a['unitType']))}-${unitState(unit)}`, order: unitState(unit) === 'busy' ? 1 : 0 }),
  images,
  cluster: { radius: 26, maxZoom: 14, properties: { busy: ['+', ['get', 'order']] } },
  style: ({ id }) => [
    symbols(id, {
      'icon-image': ['get', 'icon'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.62, 13, 1],
      'symbol-sort-key': ['get', 'order'],
      'text-field': ['step', ['zoom'], '', 13, ['get', 'name']],
      'text-size': 12,
      'text-anchor': 'top',
      'text-offset': [0, 1.2],
      'text-optional': true,
    }),
    crowdOfUnits(id),
  ],
};
