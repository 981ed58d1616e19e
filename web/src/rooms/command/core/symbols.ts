/** Marks of severity on the map: a shape in its colour, for an incident within a ring. */
import { SEVERITIES, severityShapes, severityToken, type Severity } from '$components/severity';
import { token } from '$lib/theme.svelte';
import { paint } from '$map/symbols';
import type { MapImage } from '$shell/room';

function mark(pen: CanvasRenderingContext2D, severity: Severity, at: number, side: number, outline: number): void {
  const shape = new Path2D(severityShapes[severity]);
  pen.save();
  pen.translate(at, at);
  pen.scale(side / 16, side / 16);
  pen.lineJoin = 'round';
  pen.strokeStyle = token('--map-halo');
  pen.lineWidth = outline * (16 / side);
  pen.stroke(shape);
  pen.fillStyle = token(severityToken(severity));
  pen.fill(shape, 'evenodd');
  pen.restore();
}

export const alertImages = (): MapImage[] => SEVERITIES.map((severity) => paint(`alert-${severity}`, 26, (pen) => mark(pen, severity, 4, 18, 4)));

export const incidentImages = (): MapImage[] =>
  SEVERITIES.map((severity) =>
    paint(`incident-${severity}`, 38, (pen) => {
      pen.beginPath();
      pen.arc(19, 19, 17, 0, 7);
      pen.fillStyle = token('--surface');
      pen.fill();
      pen.lineWidth = 2.5;
      pen.strokeStyle = token(severityToken(severity));
      pen.stroke();
      mark(pen, severity, 10.5, 17, 0);
    }),
  );
