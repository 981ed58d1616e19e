"""Retention drops what its rule says and nothing that any other rule, or none, still keeps."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, iri, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.query.model import TemporalQuery
from andaman.catalogue.model import Dataset, Retention, from_entity, read_retention, to_entity
from andaman.catalogue.retention import RetentionKeeper, orders
from andaman.cli import main
from andaman.identity.audit import AuditFilter
from andaman.identity.model import FULL_ACCESS, Classification, system_actor
from andaman.kernel.time import DAY, HOUR, MINUTE, system_clock

from ..support import platform, run

ACTOR = system_actor("test")
NOW = 1_790_000_000_000_000


def dataset(code, types=(), days=None, rollups=True, scope=""):
    rule = None if days is None else Retention(days * DAY, f"P{days}D", rollups)
    return Dataset(
        code, {}, {}, "pk", "x", Classification.PUBLIC, frozenset(map(iri, types)), scope, retention=rule
    )


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from("ABCD"), max_size=3), st.none() | st.integers(1, 400), st.booleans()
        ),
        max_size=6,
    )
)
def test_no_order_touches_what_any_dataset_still_keeps(rows):
    """Law over random catalogues: for every type, the order reaches no later than the longest rule, and not at all
    where one dataset has none; rollups go only where nobody wants them."""
    datasets = [dataset(f"d{n}", types, days, rollups) for n, (types, days, rollups) in enumerate(rows)]
    found = orders(datasets, NOW)
    for order in found:
        assert order.before % DAY == 0
        for one in order.types:
            holders = [d for d in datasets if one in d.types]
            assert all(d.retention is not None for d in holders)
            assert order.before <= NOW - max(d.retention.raw for d in holders)
            assert order.rollups == any(d.retention.rollups for d in holders)
    dropped = {one for order in found for one in order.types}
    expected = {
        one
        for one in map(iri, "ABCD")
        if (holders := [d for d in datasets if one in d.types]) and all(d.retention for d in holders)
    }
    assert dropped == expected


def test_a_dataset_of_a_scope_is_known_by_its_entities_and_never_by_its_types():
    scoped = dataset("s", ["A"], 90, scope="/x")
    (order,) = orders([scoped], NOW, lambda _: ["urn:2", "urn:1"])
    assert order.ids == ("urn:1", "urn:2")
    assert order.types == ()
    assert orders([scoped], NOW) == []


def test_an_entity_that_another_dataset_keeps_longer_is_left_out():
    scoped, everything, place = (
        dataset("s", ["A"], 90, scope="/x"),
        dataset("all", ["A"]),
        dataset("p", scope="/place"),
    )
    within = {
        "s": ["urn:1", "urn:2"],
        "all": ["urn:1", "urn:2", "urn:3"],
        "p": ["urn:2"],
        "t": ["urn:2", "urn:4"],
    }
    assert orders([scoped, everything], NOW, lambda d: within[d.code]) == []
    (order,) = orders([scoped, place], NOW, lambda d: within[d.code])
    assert order.ids == ("urn:1",)
    (order,) = orders([dataset("t", ["B"], 90), place], NOW, lambda d: within[d.code])
    assert (order.types, order.ids) == ((), ("urn:4",))


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        "P90D",
        {"raw": 90},
        {"raw": "90 days"},
        {"raw": "PT1H"},
        {"raw": "P0D"},
        {"raw": "P90D", "rollups": "?"},
    ],
)
def test_what_is_no_rule_keeps_everything(told):
    assert read_retention(told) is None


def test_a_rule_travels_through_its_entity():
    for one in (dataset("a", ["A"], 90), dataset("b", ["B"], 7, rollups=False), dataset("c", ["C"])):
        assert from_entity(to_entity(one)).retention == one.retention


def test_each_order_is_given_once_a_day_and_audited():
    class Entries:
        rows = (dataset("a", ["A"], 90),)

        def all_datasets(self):
            return list(self.rows)

        def ids_within(self, dataset):
            return []

    asked, told = [], []
    now = [NOW]
    entries = Entries()

    async def condense(tenant, before, **what):
        asked.append((tenant, before, what["types"], what["rollups"]))

    async def audit(actor, action, target, *, detail):
        told.append((actor.principal.id, action, target, detail))

    async def work():
        keeper = RetentionKeeper(entries, condense, audit, lambda: now[0])
        for _ in range(3):
            await keeper.look()
        assert len(asked) == len(told) == 1
        assert told[0][:2] == ("system:retention", "retention.condense")
        now[0] += DAY
        await keeper.look()
        assert len(asked) == 2
        entries.rows = (replace(entries.rows[0], retention=Retention(30 * DAY, "P30D", True)),)
        await keeper.look()
        assert len(asked) == 3
        assert asked[2][1] == asked[1][1] + 60 * DAY

    asyncio.run(work())


def test_a_rule_in_the_catalogue_drops_old_raw_rows_and_keeps_hourly_sums(tmp_path, capsys):
    """Through the whole platform: a dataset's rule, the keeper, the historian; aggregates of whole hours stay."""
    steps, one, level = 240, "urn:ngsi-ld:Probe:1", iri("level")

    async def work():
        async with platform(tmp_path) as app:
            broker = app.broker
            now = system_clock()
            begin = now - now % HOUR - steps * MINUTE
            for n in range(steps):
                doc = entity(one, "Probe", level=prop(float(n % 60), observed_at=begin + n * MINUTE))
                await broker.write([WriteOp(OpKind.UPSERT_UPDATE, one, doc)], ACTOR)
            rule = to_entity(dataset("probes", ["Probe"], 90))
            (result,) = await broker.write([WriteOp(OpKind.CREATE, rule["id"], rule)], ACTOR)
            assert result.created
            await asyncio.to_thread(broker._history.drain)

            async def raw():
                found = await broker.temporal(one, [level], TemporalQuery(last_n=1000), FULL_ACCESS)
                return len(found[level])

            async def sums():
                query = TemporalQuery(
                    "between", begin, begin + steps * MINUTE, aggr_methods=("sum",), aggr_period_s=3600.0
                )
                found = await broker.temporal(one, [level], query, FULL_ACCESS)
                return [row[0] for row in found[level]["sum"]]

            before = await sums()
            assert before == [sum(range(60))] * 4
            assert await raw() == steps
            await app.get(RetentionKeeper).look()
            app.get(RetentionKeeper)._clock = lambda: system_clock() + 91 * DAY
            assert await raw() == steps  # not old enough
            (order,) = await app.get(RetentionKeeper).look()
            assert order.types == (iri("Probe"),)
            for _ in range(300):
                await broker.history_condensing()
                if await raw() < steps:
                    break
                await asyncio.sleep(0.1)
            assert await raw() == 1  # the last value
            assert await sums() == before
            assert value(broker.get(one, FULL_ACCESS), "level") == 59.0
            rows = await app.identity.audit.merged(AuditFilter(action="retention."))
            assert {row.target for row in rows} == {rule["id"]}

    run(work)
    assert main(["retention", "--data", str(tmp_path)]) == 0
    assert "probes" in capsys.readouterr().out
