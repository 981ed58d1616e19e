/** Incidents on the map: those that are not over. They never join, each is seen. */
import type { Layer } from '$shell/room';
import { severityMark, severitySymbols } from '../core/marks';
import { openIncidents } from '../core/state';
import { incidentImages } from '../core/symbols';

export const layer: Layer = {
  id: 'incidents',
  core: true,
  shown: openIncidents,
  properties: (incident) => severityMark('incident', incident),
  images: incidentImages,
  style: ({ id }) => [severitySymbols(id, 11)],
};
