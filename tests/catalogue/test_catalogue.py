"""Laws of the catalogue: it is the policy, mistakes close and never open, and quality is computed or admitted absent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from andaman.broker.entity.build import entity, geo, iri, js, lang, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.catalogue.model import DATASET, Dataset, from_entity, parse_duration, to_entity
from andaman.catalogue.quality import Tally
from andaman.catalogue.reading import CLASS_NAMES
from andaman.catalogue.routes import routes
from andaman.catalogue.seed import default_datasets
from andaman.catalogue.service import Catalogue
from andaman.city.pack import load_pack
from andaman.identity.entrance import build_routes
from andaman.identity.model import Access, Actor, Classification, Principal, Role, system_actor
from andaman.identity.policy import (
    Policy,
    PolicyAccess,
    PolicyTable,
    Rights,
    default_configuring,
    default_writes,
)
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.kernel.time import DAY, HOUR, MINUTE, parse_time
from andaman.rooms import TYPES

pytestmark = pytest.mark.anyio
PUBLISHERS = load_pack("phuket").publishers
ROOT = system_actor("test")
NOW = parse_time("2026-11-22T12:00:00Z")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker.open(tmp_path, clock=lambda: NOW)
    await made.start()
    yield made
    await made.close()


def _policy() -> Policy:
    return Policy(PolicyTable((), default_writes(TYPES, iri), default_configuring(TYPES, iri)))


def _rights(policy: Policy, *roles: str, purpose: str = "operations", agency: str = "") -> PolicyAccess:
    return policy.access(Rights(frozenset(roles) or frozenset({Role.PUBLIC}), agency, purpose))


async def _until(done: Any) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


names = st.sampled_from(["Vehicle", "Alert", "Incident", "speed", "location"]).map(iri)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
datasets = st.builds(
    Dataset,
    code=st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True),
    title=st.fixed_dictionaries({"th": texts, "en": texts}),
    description=st.fixed_dictionaries({"th": texts, "en": texts}),
    publisher=st.sampled_from(["", "pk-ddpm"]),
    licence=texts,
    classification=st.sampled_from(list(Classification)),
    types=st.frozensets(names),
    scope=st.sampled_from(["", "/a/b"]),
    frequency=st.sampled_from(["", "PT1M", "P1Y"]),
    contact=texts,
    hidden=st.dictionaries(names, st.sampled_from(list(Classification))),
    required=st.lists(names, unique=True).map(tuple),
    purpose=st.sampled_from(["operations", "training"]),
)


@given(datasets)
def test_a_dataset_comes_back_from_its_entity(dataset: Dataset) -> None:
    assert from_entity(to_entity(dataset)) == dataset


junk = st.one_of(
    st.none(), st.integers(), texts, st.lists(st.integers()), st.dictionaries(texts, st.integers())
)


@given(
    st.dictionaries(
        st.sampled_from(["classification", "selector", "hiddenAttributes", "title", "requiredAttributes"]),
        junk,
    )
)
def test_a_mistake_in_an_entry_never_opens_anything(attrs: dict[str, Any]) -> None:
    doc = entity("urn:ngsi-ld:Dataset:x", "Dataset", **{name: js(content) for name, content in attrs.items()})
    dataset = from_entity(doc)
    assert dataset.classification is Classification.OFFICIAL_SECRET
    rule = dataset.rule()
    assert rule is None or rule.types or rule.scope_prefix


def test_the_seed_is_whole() -> None:
    seed = default_datasets(TYPES, PUBLISHERS)
    assert len({d.code for d in seed}) == len(seed)
    for dataset in seed:
        assert dataset.rule() is not None
        assert all(dataset.title[k] and dataset.description[k] for k in ("th", "en"))
        assert dataset.publisher
        assert dataset.licence
        assert not dataset.frequency or parse_duration(dataset.frequency)


async def test_who_sees_what_by_the_seed(broker: Broker) -> None:
    policy = _policy()
    catalogue = Catalogue(broker, policy, seed=default_datasets(TYPES, PUBLISHERS), clock=lambda: NOW)
    await catalogue.start()

    def sees(access: Access, kind: str, scope: str = "") -> bool:
        return access.sees([iri(kind)], [scope] if scope else [])

    public, operator = _rights(policy), _rights(policy, "operator")
    analyst = _rights(policy, "analyst", purpose="")
    for kind in (
        "Hospital",
        "RoadSegment",
        "WeatherObserved",
        "IndicatorValue",
        "Objective",
        "Course",
        "Dataset",
    ):
        assert sees(public, kind) is (kind != "Dataset")
    assert sees(public, "Vehicle", "/mobility/bus")
    assert not sees(public, "Vehicle", "/agency/police")
    assert sees(public, "Dataset", "/catalogue/open")
    assert not sees(operator, "Dataset", "/catalogue/restricted")
    for kind in ("Alert", "Incident", "TimelineEntry", "EmergencyUnit", "NetworkSite", "Device", "Unheard"):
        assert not sees(public, kind)
        assert sees(operator, kind)
        assert sees(analyst, kind)
    phone = iri("reporterPhone")
    incident = [iri("Incident")]
    assert phone not in operator.hidden_attrs(incident, [])
    assert phone in analyst.hidden_attrs(incident, [])
    run = [iri("CoverageRun")]
    assert public.sees(run, [])
    assert public.hidden_attrs(run, []) == {iri("sites")}
    assert not operator.hidden_attrs(run, [])
    assert not sees(operator, "LearningRecord")  # for training, not for operations
    assert not sees(analyst, "LearningRecord")
    assert sees(_rights(policy, Role.ADMINISTRATOR), "LearningRecord")
    tmd = _rights(policy, "analyst", agency="tmd")
    assert tmd.may_write([iri("WeatherObserved")], [], [iri("precipitation")])
    assert not analyst.may_write([iri("WeatherObserved")], [], [iri("precipitation")])
    for rights in (operator, tmd, _rights(policy, "dispatcher", agency="pk-province")):
        assert not rights.may_write([DATASET], ["/catalogue/open"], [iri("classification")])
    await catalogue.stop()


async def test_writing_a_dataset_changes_the_policy_at_once(broker: Broker) -> None:
    policy = _policy()
    catalogue = Catalogue(broker, policy, seed=default_datasets(TYPES, PUBLISHERS), clock=lambda: NOW)
    await catalogue.start()
    spring = Dataset(
        "springs", {"th": "น้ำพุ"}, {}, "tmd", "x", Classification.PUBLIC, frozenset({iri("Spring")})
    )
    assert not _rights(policy).sees([iri("Spring")], [])
    await broker.write([WriteOp(OpKind.CREATE, spring.id, to_entity(spring))], ROOT)
    await _until(lambda: _rights(policy).sees([iri("Spring")], []))
    secret = {"attrs": {iri("classification"): [prop(CLASS_NAMES[Classification.OFFICIAL_SECRET])]}}
    await broker.write([WriteOp(OpKind.UPDATE, spring.id, secret)], ROOT)
    await _until(lambda: not _rights(policy, "operator").sees([iri("Spring")], []))
    await broker.write([WriteOp(OpKind.DELETE, spring.id)], ROOT)
    await _until(lambda: _rights(policy, "operator").sees([iri("Spring")], []))
    assert not _rights(policy).sees([iri("Spring")], [])
    await catalogue.stop()


async def test_what_administrators_changed_outlives_a_restart(broker: Broker) -> None:
    first = Catalogue(broker, _policy(), seed=default_datasets(TYPES, PUBLISHERS), clock=lambda: NOW)
    await first.start()
    changed = {"attrs": {iri("classification"): [prop("security")]}}
    await broker.write([WriteOp(OpKind.UPDATE, "urn:ngsi-ld:Dataset:weather", changed)], ROOT)
    await first.stop()
    policy, seq = _policy(), broker.seq
    again = Catalogue(broker, policy, seed=default_datasets(TYPES, PUBLISHERS), clock=lambda: NOW)
    await again.start()
    assert broker.seq == seq
    assert not _rights(policy).sees([iri("WeatherObserved")], [])
    await again.stop()


docs = st.lists(st.tuples(st.booleans(), st.one_of(st.none(), st.integers(0, 10 * HOUR))), max_size=30)


@given(docs, st.sampled_from([None, 2 * HOUR]))
def test_quality_measures_are_shares_or_admitted_absent(
    rows: list[tuple[bool, int | None]], interval: int | None
) -> None:
    tally = Tally((iri("name"),), interval, NOW)
    for n, (named, age) in enumerate(rows):
        attrs: dict[str, Any] = {"speed": prop(1, None if age is None else NOW - age)}
        if named:
            attrs["name"] = lang(th="ก")
        tally.add(entity(f"urn:x:{n}", "Vehicle", **attrs), "measured")
    report = tally.report()
    ages = [age for _, age in rows if age is not None]
    completeness, timeliness, age = report["completeness"], report["timeliness"], report["ageSeconds"]
    assert (completeness["value"] is None) == (not rows)
    if rows:
        assert completeness["value"] == round(sum(named for named, _ in rows) / len(rows), 4)
    assert (timeliness["value"] is None) == (not ages or interval is None)
    if timeliness["value"] is not None:
        assert timeliness["stale"] == sum(a > 3 * HOUR for a in ages)
    assert (age["value"] is None) == (not ages)
    if ages:
        assert age["value"] == round(min(ages) / 1_000_000, 4)
    for measure in (completeness, timeliness, age):
        assert (measure["status"] == "insufficientData") == (measure["value"] is None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT1M", MINUTE),
        ("P1DT2H", DAY + 2 * HOUR),
        ("P1Y", 365 * DAY),
        ("", None),
        ("P", None),
        ("soon", None),
        ("PT0S", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    assert parse_duration(text) == expected


async def test_over_http_counts_only_what_the_asker_sees(broker: Broker) -> None:
    policy = _policy()
    catalogue = Catalogue(broker, policy, seed=default_datasets(TYPES, PUBLISHERS), clock=lambda: NOW)
    await catalogue.start()
    secret = Dataset(
        "plans", {"th": "แผน"}, {}, "", "", Classification.OFFICIAL_SECRET, frozenset({iri("Plan")})
    )
    point = geo({"type": "Point", "coordinates": [98.3, 7.9]}, NOW - MINUTE)
    units = [
        WriteOp(
            OpKind.CREATE,
            f"urn:ngsi-ld:EmergencyUnit:{n}",
            entity(f"urn:ngsi-ld:EmergencyUnit:{n}", "EmergencyUnit", location=point),
        )
        for n in range(3)
    ]
    await broker.write([*units, WriteOp(OpKind.CREATE, secret.id, to_entity(secret))], ROOT)
    await _until(lambda: policy.table.datasets_of([iri("Plan")], []))
    answers = {}
    for name, access in (("public", _rights(policy)), ("operator", _rights(policy, "operator"))):
        client = _client(catalogue, access)
        listed = (await client.get("/api/catalogue/datasets")).json()
        assert "plans" not in {d["code"] for d in listed}
        assert (await client.get("/api/catalogue/datasets/plans")).status_code == 404
        answers[name] = (await client.get("/api/catalogue/datasets/emergency-units")).json()
    assert answers["public"]["quality"] is None
    assert answers["public"]["readable"] is False
    assert answers["operator"]["quality"]["records"] == 3
    assert answers["operator"]["quality"]["ageSeconds"]["value"] == 60
    assert answers["operator"]["quality"]["completeness"]["missing"]["unitType"] == 3
    assert answers["operator"]["quality"]["timeliness"]["status"] == "insufficientData"
    await catalogue.stop()


def _client(catalogue: Catalogue, access: Access) -> httpx.AsyncClient:
    inner = Starlette(
        routes=build_routes(routes(catalogue)),
        exception_handlers={AndamanError: lambda request, error: problem_response(error)},  # type: ignore[arg-type]
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["andaman.actor"] = Actor(Principal("user:x", "x", frozenset({"operator"})), access)
        await inner(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x")
