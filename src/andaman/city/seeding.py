"""Lists that a city edits follow their seed in the city pack, entry by entry, until somebody edits an entry.

An entry that is as it was filled in follows the pack; an edited one stays, and a deleted one stays deleted. The marker of a
list keeps the digest of each entry as it was filled in, which tells edited entries from others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.api import Broker, Doc, OpKind, WriteOp, build
from andaman.city.types import REGISTER_SEED
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.digests import content_digest

log = logging.getLogger("andaman")
SCOPE: Final = "/registers"
BASE: Final = "base"
"""The name of the neutral lists, which a city without a pack begins with."""


@dataclass(frozen=True)
class Seed:
    """A list as the pack has it: ``digests`` code → digest. ``doc`` makes the entity of an entry, ``digest_of`` reads the digest
    of a stored one. ``older``: code → digests that releases without a marker filled in; an entry that is not there was deleted."""

    name: str
    pack: str
    digests: Mapping[str, str]
    id_of: Callable[[str], str]
    doc: Callable[[str], Doc]
    digest_of: Callable[[str, Doc], str]
    older: Mapping[str, Collection[str]] = field(default_factory=dict)


async def fill_in(broker: Broker, seed: Seed) -> None:
    """Bring entries that nobody edited to the pack's content: one atomic write of entries and marker."""
    marker_id = f"urn:ngsi-ld:{REGISTER_SEED.name}:{seed.name}"
    marker = broker.find(marker_id, FULL_ACCESS)
    kept = build.value(marker, "digests", {}) if marker is not None else {}
    kept = kept if isinstance(kept, dict) else {}
    now = {}
    for code in dict.fromkeys((*seed.digests, *kept, *seed.older)):
        if (doc := broker.find(seed.id_of(code), FULL_ACCESS)) is not None:
            now[code] = seed.digest_of(code, doc)
    before = kept if marker is not None else filled_in_earlier(seed.older, now)
    plan = follow_seed(seed.digests, before, now)
    if plan.marker == kept and not (plan.write or plan.delete):
        return
    docs = [seed.doc(code) for code in plan.write]
    ops = [WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc) for doc in docs]
    ops += [WriteOp(OpKind.DELETE, seed.id_of(code)) for code in plan.delete]
    attrs = {"pack": build.prop(seed.pack), "digests": build.js(plan.marker)}
    ops.append(
        WriteOp(OpKind.UPSERT_REPLACE, marker_id, build.entity(marker_id, REGISTER_SEED.name, SCOPE, **attrs))
    )
    await broker.must_write(ops, system_actor("city"), atomic=True)
    log.info("%s: %d rows written, %d deleted", seed.name, len(plan.write), len(plan.delete))


def filled_by(broker: Broker, name: str) -> str | None:
    """The pack that filled in a list; None where none did."""
    marker = broker.find(f"urn:ngsi-ld:{REGISTER_SEED.name}:{name}", FULL_ACCESS)
    return None if marker is None else str(build.value(marker, "pack"))


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Codes of rows to write and to delete, and what the marker says afterwards."""

    write: list[str]
    delete: list[str]
    marker: dict[str, str]


def follow_seed(seed: Mapping[str, str], before: Mapping[str, str], now: Mapping[str, str]) -> SeedPlan:
    """Digests by code: of the pack, of the pack when the rows were filled in, of the rows as they are. Pure.

    A row that is as it was filled in follows the pack. One that is not, or is gone, was edited by people and is left alone.
    """
    write, delete, marker = [], [], dict(before)
    for code, wanted in seed.items():
        if code not in now:
            if code not in before:
                write.append(code)
                marker[code] = wanted
        elif now[code] == wanted:
            marker[code] = wanted
        elif now[code] == before.get(code):
            write.append(code)
            marker[code] = wanted
        else:
            marker.setdefault(code, wanted)
    for code in before.keys() - seed.keys():
        if code in now and now[code] == before[code]:
            delete.append(code)
            del marker[code]
    return SeedPlan(write, sorted(delete), marker)


def filled_in_earlier(older: Mapping[str, Collection[str]], now: Mapping[str, str]) -> dict[str, str]:
    """What releases without a marker filled in. An entry with another digest was edited since. Pure."""
    found = {}
    for code, digests in older.items():
        known = sorted(digests)
        found[code] = now[code] if now.get(code) in digests else known[-1]
    return found


def digest_of_content(content: Any) -> str:
    """The digest that markers keep."""
    return content_digest(content)[:32]
