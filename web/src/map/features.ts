/** Live entities → GeoJSON features with what the style reads. */
import { titleText } from '$entities/describe';
import { asGeometry } from '$lib/geo';
import type { LiveEntity } from '$lib/live';
import type { Layer } from '$shell/room';

export function features(layer: Layer, entities: readonly LiveEntity[], placeOf: (entity: LiveEntity) => [number, number] | null, now: number): GeoJSON.FeatureCollection {
  const found: GeoJSON.Feature[] = [];
  for (const entity of entities) {
    let geometry: GeoJSON.Geometry | null;
    if (layer.shape) geometry = asGeometry(entity.a['location']);
    else {
      const point = placeOf(entity);
      geometry = point && { type: 'Point', coordinates: point };
    }
    if (geometry) found.push({ type: 'Feature', geometry, properties: { id: entity.id, name: layer.shape ? '' : titleText(entity), ...layer.properties?.(entity, now) } });
  }
  return { type: 'FeatureCollection', features: found };
}
