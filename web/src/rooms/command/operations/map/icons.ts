/** Map symbols drawn on a canvas from the theme's colours: no sprite file, no network. */
import { SEVERITIES, severityShapes, severityToken } from '$components/severity';
import { token } from '$lib/theme.svelte';

const RATIO = 2;
export interface MapImage {
  id: string;
  data: ImageData;
}
type Draw = (pen: CanvasRenderingContext2D) => void;

function paint(id: string, width: number, draw: Draw, height = width): MapImage {
  const canvas = document.createElement('canvas');
  canvas.width = width * RATIO;
  canvas.height = height * RATIO;
  const pen = canvas.getContext('2d', { willReadFrequently: true })!;
  pen.scale(RATIO, RATIO);
  draw(pen);
  return { id, data: pen.getImageData(0, 0, canvas.width, canvas.height) };
}

/** Glyphs on a 12-unit square, centred in the sign. */
const GLYPHS: Record<string, string> = {
  health: 'M4.6 1h2.800v3.600H11v2.800H7.400V11H4.600V7.400H1V4.600h3.600Z',
  police: 'M6 .8 10.600 2.600v3.200c0 2.800-1.900 4.700-4.600 5.600C3.300 10.500 1.400 8.600 1.400 5.800V2.600Z',
  fire: 'M6.300.6c.4 2.400 3.700 3.600 3.700 6.900A4 4 0 0 1 6 11.600a4 4 0 0 1-4-4.100c0-1.500.8-2.500 1.600-3.400.2 1 .6 1.600 1.300 1.900C4.700 4 5.200 2 6.300.6Z',
  schools: 'M6 1.600 11.800 4.400 6 7.200.2 4.400ZM2.400 6.400 6 8.200l3.600-1.800v2.700c-2.200 1.900-5 1.900-7.200 0Z',
  stops: 'M2 1.500h8v7.600H9v1.600H7.500V9.100h-3v1.600H3V9.100H2Zm1.200 1.600v2.700h5.600V3.100Z',
  weather: 'M6 .8c2 2.700 3.600 4.400 3.600 6.700a3.600 3.600 0 0 1-7.200 0C2.400 5.200 4 3.500 6 .8Z',
  sea: 'M.5 4.600c1.900 0 1.900-1.500 3.700-1.500s1.800 1.500 3.700 1.500 1.800-1.500 3.600-1.500v1.700c-1.800 0-1.800 1.500-3.600 1.500s-1.900-1.500-3.700-1.500S2.400 6.300.5 6.300Zm0 4c1.900 0 1.900-1.500 3.700-1.500s1.800 1.500 3.700 1.500 1.800-1.500 3.600-1.500v1.700c-1.800 0-1.800 1.500-3.600 1.500s-1.900-1.500-3.700-1.500-1.800 1.500-3.700 1.500Z',
  devices: 'M6 4.200a1.800 1.800 0 1 1 0 3.600 1.800 1.800 0 0 1 0-3.600ZM2.200 2.200l1 1a4 4 0 0 0 0 5.600l-1 1a5.400 5.400 0 0 1 0-7.600Zm7.600 0a5.400 5.400 0 0 1 0 7.600l-1-1a4 4 0 0 0 0-5.600Z',
  ambulance: 'M4.800 1h2.400v2.900l2.500-1.500 1.200 2.100L8.400 6l2.500 1.500-1.200 2.100-2.500-1.500V11H4.800V8.100L2.300 9.600 1.100 7.500 3.600 6 1.100 4.500l1.200-2.100 2.500 1.500Z',
  fireEngine: 'M6.300.6c.4 2.400 3.700 3.600 3.700 6.900A4 4 0 0 1 6 11.600a4 4 0 0 1-4-4.100c0-1.500.8-2.500 1.600-3.400.2 1 .6 1.600 1.300 1.900C4.700 4 5.200 2 6.300.6Z',
  policePatrol: 'M6 .8 10.600 2.600v3.200c0 2.800-1.900 4.700-4.600 5.600C3.300 10.500 1.400 8.600 1.400 5.800V2.600Z',
  rescueBoat: 'M1 6.800h10L9.600 9.900H2.400ZM5.500 1.200v4.600H2.300Zm1 .8 2.600 3.800H6.500Z',
  ddpmTeam: 'M6 1 11.400 10.600H.6Z',
  towTruck: 'M1 7.500h6V4h2.500L11 6.500v3H1ZM2.200 2.200h3v1.500L3.700 6',
  unit: 'M.6 3h6.200v5.200H.6Zm6.800 1.400h2L11.400 6.600v1.600h-4ZM2 8.800a1.300 1.300 0 1 1 2.600 0 1.300 1.300 0 0 1-2.600 0Zm5.400 0a1.300 1.300 0 1 1 2.600 0 1.300 1.300 0 0 1-2.600 0Z',
  other: 'M6 2.200a3.800 3.800 0 1 1 0 7.600 3.800 3.800 0 0 1 0-7.600Z',
};

function glyph(pen: CanvasRenderingContext2D, name: string, size: number, side: number, color: string): void {
  pen.save();
  pen.translate((size - side) / 2, (size - side) / 2);
  pen.scale(side / 12, side / 12);
  pen.fillStyle = color;
  pen.fill(new Path2D(GLYPHS[name] ?? GLYPHS['other']), 'evenodd');
  pen.restore();
}

export const PLACE_ICONS = ['health', 'police', 'fire', 'schools', 'stops', 'weather', 'sea', 'devices'];
export const UNIT_TYPES = ['ambulance', 'fireEngine', 'policePatrol', 'rescueBoat', 'ddpmTeam', 'towTruck', 'other'];

/** Every image the map's layers name. */
export function mapImages(): MapImage[] {
  const halo = token('--map-halo');
  const quiet = token('--surface');
  const line = token('--line-strong');
  const text = token('--text');
  const muted = token('--text-muted');
  const images: MapImage[] = [];
  for (const severity of SEVERITIES) {
    const color = token(severityToken(severity));
    const shape = new Path2D(severityShapes[severity]);
    const mark = (pen: CanvasRenderingContext2D, at: number, side: number, outline: number) => {
      pen.save();
      pen.translate(at, at);
      pen.scale(side / 16, side / 16);
      pen.lineJoin = 'round';
      pen.strokeStyle = halo;
      pen.lineWidth = outline * (16 / side);
      pen.stroke(shape);
      pen.fillStyle = color;
      pen.fill(shape, 'evenodd');
      pen.restore();
    };
    images.push(paint(`alert-${severity}`, 26, (pen) => mark(pen, 4, 18, 4)));
    images.push(
      paint(`incident-${severity}`, 38, (pen) => {
        pen.beginPath();
        pen.arc(19, 19, 17, 0, 7);
        pen.fillStyle = quiet;
        pen.fill();
        pen.lineWidth = 2.5;
        pen.strokeStyle = color;
        pen.stroke();
        mark(pen, 10.5, 17, 0);
      }),
    );
  }
  for (const name of PLACE_ICONS) {
    images.push(
      paint(`place-${name}`, 20, (pen) => {
        pen.beginPath();
        pen.roundRect(1.5, 1.5, 17, 17, 4);
        pen.fillStyle = quiet;
        pen.fill();
        pen.strokeStyle = line;
        pen.stroke();
        glyph(pen, name, 20, 11, muted);
      }),
    );
  }
  // Several of a kind in one place: a sign with room for their number at its right.
  const many = (id: string, name: string, border: string, round: number) =>
    images.push(
      paint(
        `${id}-many`,
        42,
        (pen) => {
          pen.beginPath();
          pen.roundRect(1, 1, 40, 20, round);
          pen.fillStyle = quiet;
          pen.fill();
          pen.lineWidth = 1.5;
          pen.strokeStyle = border;
          pen.stroke();
          pen.translate(1, 0);
          glyph(pen, name, 22, 12, border === line ? muted : text);
        },
        22,
      ),
    );
  for (const name of PLACE_ICONS) many(`place-${name}`, name, line, 5);
  many('unit', 'unit', text, 10);
  for (const name of UNIT_TYPES) {
    for (const state of ['free', 'busy', 'off']) {
      images.push(
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
        }),
      );
    }
  }
  return images;
}
