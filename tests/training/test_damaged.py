"""Records of the training that somebody wrote through NGSI-LD: they stop no start and no clock, and delete nothing."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, prop
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.identity.model import FULL_ACCESS
from andaman.training.drills import Drills
from andaman.training.types import TYPES
from andaman.training.views import DrillRun
from tests.command.city import STATION, SYSTEM, HandClock, broker_at, put
from tests.command.core.test_views import instances

DRILL = next([one.name for one in kind.attributes] for kind in TYPES if kind.name == "DrillRun")
texts = st.sampled_from(["running", "finished", "scored", "", "exercise-0", "rain-crash-patong-hill"]).map(
    prop
)


@st.composite
def drills(draw: st.DrawFn) -> Doc:
    attrs = draw(st.dictionaries(st.sampled_from(DRILL), instances | texts))
    if draw(st.booleans()):
        attrs["drillStatus"] = draw(texts)
    return entity(f"urn:ngsi-ld:DrillRun:{draw(st.integers(0, 4))}", "DrillRun", **attrs)


@settings(max_examples=25, deadline=None)
@given(docs=st.lists(drills(), min_size=1, max_size=6))
def test_damaged_drills_stop_no_clock_and_delete_no_city(docs: list[Doc]) -> None:
    async def run(directory: Path) -> None:
        clock = HandClock()
        async with broker_at(directory, clock) as broker:
            await put(broker, STATION)
            await broker.write([WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc) for doc in docs], SYSTEM)
            drills = Drills(broker, clock, SeedRows(load_pack("phuket")))
            await drills.start()
            await drills._due()
            await drills.stop()
            assert broker.find(STATION["id"], FULL_ACCESS) is not None

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def test_the_tenant_of_a_drill_is_made_from_its_id() -> None:
    """An attribute cannot name the city, whose entities would then be deleted with the drill."""
    for wrong in ("", "exercise-other"):
        doc = entity("urn:ngsi-ld:DrillRun:01ab", "DrillRun", exerciseTenant=prop(wrong))
        assert DrillRun.of(doc).tenant == "exercise-01ab"
