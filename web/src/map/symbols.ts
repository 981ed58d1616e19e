/** Signs of the map drawn on a canvas from the theme's colours: no sprite file, no network. */
import { token } from '$lib/theme.svelte';
import type { MapImage } from '$shell/room';
import { GLYPHS, type Glyph } from './glyphs';

const RATIO = 2;
type Draw = (pen: CanvasRenderingContext2D) => void;

export function paint(id: string, width: number, draw: Draw, height = width): MapImage {
  const canvas = document.createElement('canvas');
  canvas.width = width * RATIO;
  canvas.height = height * RATIO;
  const pen = canvas.getContext('2d', { willReadFrequently: true })!;
  pen.scale(RATIO, RATIO);
  draw(pen);
  return { id, data: pen.getImageData(0, 0, canvas.width, canvas.height) };
}

/** A glyph in the middle of a square sign. */
export function glyph(pen: CanvasRenderingContext2D, name: Glyph, size: number, side: number, color: string): void {
  pen.save();
  pen.translate((size - side) / 2, (size - side) / 2);
  pen.scale(side / 12, side / 12);
  pen.fillStyle = color;
  pen.fill(new Path2D(GLYPHS[name]), 'evenodd');
  pen.restore();
}

/** Several of a kind in one place: a sign with room for their number at its right. */
/** `filled`: which part of it is dark, as the marks that it stands for are: none, the side of the sign, or all. */
export function manyImage(id: string, name: Glyph, border: string, color: string, round: number, filled: 'none' | 'sign' | 'all' = 'none'): MapImage {
  return paint(
    id,
    42,
    (pen) => {
      pen.beginPath();
      pen.roundRect(1, 1, 40, 20, round);
      pen.fillStyle = token('--surface');
      pen.fill();
      if (filled !== 'none') {
        pen.save();
        pen.clip();
        pen.fillStyle = color;
        pen.fillRect(0, 0, filled === 'all' ? 42 : 21, 22);
        pen.restore();
      }
      pen.lineWidth = 1.5;
      pen.strokeStyle = border;
      pen.stroke();
      pen.translate(1, 0);
      glyph(pen, name, 22, 12, filled === 'none' ? color : token('--surface'));
    },
    22,
  );
}

/** The sign of a place, alone and for several. */
export const signOf = (name: Glyph): string => `sign-${name}`;
export function signImages(name: Glyph): MapImage[] {
  const [line, muted] = [token('--line-strong'), token('--text-muted')];
  return [
    paint(signOf(name), 20, (pen) => {
      pen.beginPath();
      pen.roundRect(1.5, 1.5, 17, 17, 4);
      pen.fillStyle = token('--surface');
      pen.fill();
      pen.strokeStyle = line;
      pen.stroke();
      glyph(pen, name, 20, 11, muted);
    }),
    manyImage(`${signOf(name)}-many`, name, line, muted, 5),
  ];
}
