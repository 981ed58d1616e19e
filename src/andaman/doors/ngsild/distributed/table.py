"""The handlers that replace others when a tenant has context source registrations. The door looks here, and nowhere
else, so that without registrations nothing of this room costs anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.doors.ngsild import (
    batch,
    consumption,
    discovery,
    postquery,
    provision,
    purge,
    temporal,
    temporal_maps,
)
from andaman.doors.ngsild.distributed import (
    attributes,
    batches,
    evolutions,
    purges,
    reads,
    vocabulary,
    writes,
)

DISTRIBUTED: Final[Mapping[Any, Any]] = {
    consumption.retrieve_entity: reads.retrieve_entity,
    consumption.query_entities: reads.query_entities,
    postquery.post_query: reads.post_query,
    provision.create_entity: writes.create_entity,
    provision.replace_entity: writes.replace_entity,
    provision.merge_entity: writes.merge_entity,
    provision.append_attributes: writes.append_attributes,
    provision.update_attributes: writes.update_attributes,
    provision.delete_entity: writes.delete_entity,
    provision.update_attribute: attributes.update_attribute,
    provision.replace_attribute: attributes.replace_attribute,
    provision.delete_attribute: attributes.delete_attribute,
    temporal.retrieve_temporal: evolutions.retrieve_temporal,
    temporal.query_temporal: evolutions.query_temporal,
    temporal_maps.create: evolutions.create_temporal_map,
    temporal.post_temporal_query: evolutions.post_temporal_query,
    purge.purge_entities: purges.purge_entities,
    discovery.list_types: vocabulary.list_types,
    discovery.retrieve_type: vocabulary.retrieve_type,
    discovery.list_attributes: vocabulary.list_attributes,
    discovery.retrieve_attribute: vocabulary.retrieve_attribute,
    batch.create: batches.create,
    batch.upsert: batches.upsert,
    batch.update: batches.update,
    batch.merge: batches.merge,
    batch.delete: batches.delete,
}
