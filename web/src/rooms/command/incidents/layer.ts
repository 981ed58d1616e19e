/** Incidents on the map: those that are not over. They never join, each is seen. */
import type { Layer } from '$shell/room';
import { severityMark, severitySymbols } from '../core/marks';
import { OPEN_INCIDENTS, openIncidents } from '../core/state';
import { incidentImages } from '../core/symbols';

export const layer: Layer = {
  id: 'incidents',
  core: true,
  shown: openIncidents,
  q: OPEN_INCIDENTS,
  properties: (incident) => severityMark('incident', incident),
  images: incidentImages,
  style: ({ id }) => [severitySymbols(id, 11)],
};
