"""A measure that was written or deleted past the room does not stop the others."""

from __future__ import annotations

from andaman.broker.entity.build import entity, js
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import system_actor
from andaman.roadmap.records import MEASURE
from andaman.roadmap.service import RoadmapService
from tests.support import platform, run


def test_what_cannot_be_read_is_left_out(tmp_path):
    async def work():
        async with platform(tmp_path) as app:
            before = app.get(RoadmapService).measures()
            needed = next(m.requires[0] for m in before if m.requires)
            rows = [None, {}, [], "x", {**before[0].as_json(), "requires": ["none"]}, before[0].as_json()]
            ops = [
                WriteOp(
                    OpKind.CREATE,
                    f"{MEASURE}odd-{number}",
                    entity(
                        f"{MEASURE}odd-{number}",
                        "Measure",
                        **({} if row is None else {"definition": js(row)}),
                    ),
                )
                for number, row in enumerate(rows)
            ]
            ops.append(WriteOp(OpKind.DELETE, MEASURE + needed))
            results = await app.broker.write(ops, system_actor("test"))
            assert all(one.error is None for one in results)
            found = app.get(RoadmapService).measures()
            ids = {m.id for m in found}
            assert needed not in ids
            assert all(set(m.requires) <= ids for m in found)
            assert {m.id for m in before if not m.requires and not m.excludes} - {needed} <= ids
            assert not any(one.startswith("odd-") for one in ids)

    run(work)
