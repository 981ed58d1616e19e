/** Alerts on the map: those that wait, then those that somebody knows of. */
import type { ExpressionSpecification } from 'maplibre-gl';
import { SEVERITIES } from '$components/severity';
import { manyOf, MANY, strongLetters, symbols } from '$map/marks';
import type { Layer } from '$shell/room';
import { severityMark, severitySymbols } from '../core/marks';
import { knownAlerts, LASTING_ALERTS, openAlerts } from '../core/state';
import { alertImages } from '../core/symbols';

export const layer: Layer = {
  id: 'alerts',
  core: true,
  shown: (alerts) => [...openAlerts(alerts), ...knownAlerts(alerts)],
  q: LASTING_ALERTS,
  properties: (alert) => severityMark('alert', alert),
  images: alertImages,
  cluster: { radius: 18, maxZoom: 15, properties: { order: ['max', ['get', 'order']] } },
  style: ({ id }) => [
    severitySymbols(id, 13.5),
    {
      // The worst of them, and how many: nothing grave ever hides behind something slight.
      ...symbols(
        id,
        {
          'icon-image': ['match', ['get', 'order'], ...SEVERITIES.slice(0, -1).flatMap((severity, rank) => [10 - rank, `alert-${severity}`]), 'alert-Unknown'] as unknown as ExpressionSpecification,
          'icon-size': 1.15,
          'symbol-sort-key': ['get', 'order'],
          'text-field': ['concat', '×', ['to-string', ['get', 'point_count']]],
          'text-size': 13,
          'text-anchor': 'left',
          'text-offset': [0.95, 0],
          'text-allow-overlap': true,
        },
        strongLetters(),
        undefined,
        MANY,
      ),
      id: manyOf(id),
    },
  ],
};
