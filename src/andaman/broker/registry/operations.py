"""Names of operations that a context source may offer, and their groups (CIM 009 §4.20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_PROVISION: Final = [
    "createEntity",
    "updateEntity",
    "appendAttrs",
    "updateAttrs",
    "deleteAttrs",
    "deleteEntity",
    "createBatch",
    "upsertBatch",
    "updateBatch",
    "deleteBatch",
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
    "deleteTemporal",
    "mergeEntity",
    "replaceEntity",
    "replaceAttrs",
    "mergeBatch",
    "purgeEntity",
]
_DISCOVERY: Final = [
    "retrieveEntityTypes",
    "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo",
    "retrieveAttrTypes",
    "retrieveAttrTypeDetails",
    "retrieveAttrTypeInfo",
]
_CONSUMPTION: Final = ["retrieveEntity", "queryEntity", "queryBatch", "retrieveTemporal", "queryTemporal"]
_SUBSCRIPTION: Final = [
    "createSubscription",
    "updateSubscription",
    "retrieveSubscription",
    "querySubscription",
    "deleteSubscription",
]
_SUPPORT: Final = [
    "retrieveEntityMap",
    "updateEntityMap",
    "deleteEntityMap",
    "createEntityMapQueryEntity",
    "createEntityMapQueryTemporal",
    "retrieveContextSourceIdentity",
]

OPERATIONS: Final = frozenset([*_PROVISION, *_DISCOVERY, *_CONSUMPTION, *_SUBSCRIPTION, *_SUPPORT])
"""Table 4.20-1."""

_MAPS: Final = ["retrieveEntityMap", "updateEntityMap", "deleteEntityMap", "createEntityMapQueryEntity"]
_ASSOCIATION: Final = [
    *_CONSUMPTION[:3],
    *_DISCOVERY,
    *_SUBSCRIPTION,
    "retrieveContextSourceIdentity",
]
GROUPS: Final = {
    "federationOps": frozenset([*_ASSOCIATION, *_MAPS]),
    "associationOps": frozenset(_ASSOCIATION),
    "updateOps": frozenset(["updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"]),
    "retrieveOps": frozenset(["retrieveEntity", "queryEntity"]),
    "redirectionOps": frozenset(
        [
            *("createEntity", "updateEntity", "appendAttrs", "updateAttrs", "deleteAttrs", "deleteEntity"),
            *("mergeEntity", "replaceEntity", "replaceAttrs", "retrieveEntity", "queryEntity", "purgeEntity"),
            *_DISCOVERY,
            *_MAPS,
            "retrieveContextSourceIdentity",
        ]
    ),
}
"""Table 4.20-2."""

DEFAULT: Final = ("federationOps",)
AUXILIARY: Final = frozenset({"retrieveOps", "retrieveEntity", "queryEntity"})
"""The operations that an auxiliary registration may offer (§5.9.2.4)."""


def expand(names: Iterable[str]) -> frozenset[str]:
    """Groups as their operations; unknown names raise KeyError."""
    found: set[str] = set()
    for name in names:
        if name in GROUPS:
            found |= GROUPS[name]
        elif name in OPERATIONS:
            found.add(name)
        else:
            raise KeyError(name)
    return frozenset(found)
