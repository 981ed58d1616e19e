/** How alerts and incidents are drawn: by severity, the worst on top, named when one is near enough. */
import type { SymbolLayerSpecification } from 'maplibre-gl';
import { asSeverity, severityRank } from '$components/severity';
import type { LiveEntity } from '$lib/live';
import { strongLetters, symbols } from '$map/marks';

/** Higher is worse: 10 for Extreme. */
const order = (entity: LiveEntity): number => 10 - severityRank(entity.a['severity']);
export const severityMark = (kind: 'alert' | 'incident', entity: LiveEntity): { icon: string; order: number } => ({ icon: `${kind}-${asSeverity(entity.a['severity'])}`, order: order(entity) });
export const severitySymbols = (id: string, nameFrom: number): SymbolLayerSpecification =>
  symbols(
    id,
    {
      'icon-image': ['get', 'icon'],
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.8, 13, 1],
      'symbol-sort-key': ['get', 'order'],
      'text-field': ['step', ['zoom'], '', nameFrom, ['get', 'name']],
      'text-size': 13,
      'text-anchor': 'left',
      'text-offset': [1.5, 0],
      'text-max-width': 12,
      'text-optional': true,
    },
    strongLetters(),
  );
