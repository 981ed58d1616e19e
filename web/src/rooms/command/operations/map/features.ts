/** Live entities → GeoJSON features with what the style needs. */
import { asSeverity, severityRank } from '$components/severity';
import { asGeometry } from '$lib/geo';
import type { LiveEntity } from '$lib/live';
import { figureText, titleText } from '$entities/describe';
import type { LayerId } from '../layers';
import { UNIT_TYPES } from './icons';

const BUSY = new Set(['assigned', 'enRoute', 'onScene']);

function icon(layer: LayerId, entity: LiveEntity): string {
  switch (layer) {
    case 'alerts':
      return `alert-${asSeverity(entity.a['severity'])}`;
    case 'incidents':
      return `incident-${asSeverity(entity.a['severity'])}`;
    case 'units': {
      const type = String(entity.a['unitType']);
      const status = String(entity.a['unitStatus']);
      return `unit-${UNIT_TYPES.includes(type) ? type : 'other'}-${BUSY.has(status) ? 'busy' : status === 'outOfService' ? 'off' : 'free'}`;
    }
    case 'weather':
      return entity.types.includes('SeaLevelObserved') ? 'place-sea' : 'place-weather';
    default:
      return `place-${layer}`;
  }
}

export function features(layer: LayerId, entities: readonly LiveEntity[], placeOf: (entity: LiveEntity) => [number, number] | null): GeoJSON.FeatureCollection {
  const found: GeoJSON.Feature[] = [];
  for (const entity of entities) {
    let geometry: GeoJSON.Geometry | null;
    if (layer === 'lines') geometry = asGeometry(entity.a['location']);
    else {
      const point = placeOf(entity);
      geometry = point && { type: 'Point', coordinates: point };
    }
    if (!geometry) continue;
    const properties: Record<string, unknown> = { id: entity.id, layer };
    if (layer === 'accidents') properties['deaths'] = typeof entity.a['deaths'] === 'number' ? entity.a['deaths'] : 0;
    else if (layer !== 'lines') {
      properties['icon'] = icon(layer, entity);
      properties['name'] = titleText(entity);
    }
    if (layer === 'weather' || layer === 'devices') properties['short'] = figureText(entity);
    if (layer === 'alerts' || layer === 'incidents') properties['order'] = 10 - severityRank(entity.a['severity']);
    if (layer === 'units') properties['order'] = BUSY.has(String(entity.a['unitStatus'])) ? 1 : 0;
    found.push({ type: 'Feature', geometry, properties });
  }
  return { type: 'FeatureCollection', features: found };
}
