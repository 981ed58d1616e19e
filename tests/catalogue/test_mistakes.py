"""Law: a mistake in a dataset's entry closes and never opens. The doors refuse it; one that is there already is read the strict way."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import iri, js, prop
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.catalogue.model import DATASET, Dataset, check_entry, from_entity, to_entity
from andaman.catalogue.service import Catalogue
from andaman.identity.model import Classification, system_actor
from andaman.identity.policy import Policy, PolicyTable, Rights
from andaman.identity.roles import shipped_roles
from andaman.kernel.errors import BadRequestData

TYPES = ("Osm1", "Osm2")
ENTRIES = st.builds(
    Dataset,
    code=st.just("one"),
    title=st.just({"th": "x", "en": "x"}),
    description=st.just({"th": "x", "en": "x"}),
    publisher=st.just("ag-one"),
    licence=st.just("x"),
    classification=st.sampled_from(Classification),
    types=st.sets(st.sampled_from(TYPES).map(iri), min_size=1).map(frozenset),
    scope=st.sampled_from(["", "/closed", "/closed/in"]),
    hidden=st.dictionaries(st.sampled_from(["v", "w"]).map(iri), st.sampled_from(Classification)),
    purpose=st.sampled_from(["operations", "study"]),
)
PEOPLE = [
    Rights(frozenset({role}), agency, purpose)
    for role in shipped_roles().rows
    for agency in ("", "ag-one", "ag-two")
    for purpose in ("", "operations", "investigation", "study")
]
SHAPES = [
    ((iri(kind),), scopes)
    for kind in (*TYPES, "Other")
    for scopes in ((), ("/closed",), ("/closed/in/it",), ("/open",))
]


def _selector(doc: Doc) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(doc["attrs"][iri("selector")][0]["json"])
    return found


def _mistakes(doc: Doc) -> list[tuple[str, Any]]:
    """What people write: (attribute, its instances)."""
    told = _selector(doc)
    names, scope = told["types"], told["scope"]
    hidden = doc["attrs"][iri("hiddenAttributes")][0]["json"]
    classed = doc["attrs"][iri("classification")][0]
    selectors: list[Any] = [
        {**told, "types": names[0]} if len(names) == 1 else {**told, "types": ",".join(names)},
        {**told, "types": " ".join(names)},
        {**told, "types": [names]},
        {**told, "types": [*names, 7]},
        {**told, "types": dict.fromkeys(names, True)},
        {"Types": names, "scope": scope},
        {"type": names, "scope": scope},
        {"types": names, "scopes": [scope]},
        {"types": names, "scopeQ": scope},
        {**told, "typs": []},
        names,
        names[0],
        ",".join(names),
        7,
        None,
        True,
        [],
        {**told, "types": None},
        {**told, "types": 7},
        {**told, "types": [""]},
        {**told, "types": ["*"]},
        {**told, "types": "*"},
        {**told, "scope": None},
        {**told, "scope": 7},
        {**told, "scope": [scope]},
        {**told, "scope": [scope, "/other"]},
    ]
    if scope:
        selectors += [{**told, "scope": bad} for bad in (
            scope[1:], scope + "/", scope + "/#", scope + "/+", "/#", "#", "/+", f" {scope}", f"{scope} ", scope + ",/x", scope + ";/x",
            "/" + scope, scope.replace("/", "\\"), scope.replace("/", "."),
        )]  # fmt: skip
    found = [("selector", [js(each)]) for each in selectors]
    found += [("selector", [prop(each)]) for each in selectors if each is not None]
    found += [
        ("selector", [js(told), {**js({"types": ["Other"]}), "datasetId": "urn:x:2"}]),
        ("selector", [{**js(told), "datasetId": "urn:x:2"}]),
    ]
    found += [
        ("classification", [prop(each)])
        for each in ("Public", "secret", "official secret", "", 0, ["public"], {"@value": "public"}, True)
    ]
    found += [
        ("classification", [js("public")]),
        ("classification", [{"type": "LanguageProperty", "languageMap": {"en": "public"}}]),
    ]
    found += (
        [("classification", [prop("public"), {**classed, "datasetId": "urn:x:2"}])]
        if classed["value"] != "public"
        else []
    )
    found += [("classification", [{**classed, "datasetId": "urn:x:2"}])]
    if hidden:
        hid: list[Any] = [
            list(hidden),
            ",".join(hidden),
            " ".join(hidden),
            [hidden],
            {"attributes": hidden},
            dict.fromkeys(hidden),
            dict.fromkeys(hidden, "Secret"),
            {name: [level] for name, level in hidden.items()},
            {name + " ": level for name, level in hidden.items()},
            {",".join(hidden) + ",x": "officialSecret"},
            {"officialSecret": list(hidden)},
            7,
            None,
        ]
        found += [("hiddenAttributes", [js(each)]) for each in hid]
        found += [("hiddenAttributes", [js({}), {**js(hidden), "datasetId": "urn:x:2"}])]
    found += [("purpose", [prop(each)]) for each in (7, "", ["operations"], " study", None)]
    found += [("purpose", [prop("operations"), {**prop("study"), "datasetId": "urn:x:2"}])]
    found += [("publisher", [prop(each)]) for each in (7, ["ag-two"], " ag-two", None)]
    found += [("publisher", [prop("ag-one"), {**prop("ag-two"), "datasetId": "urn:x:2"}])]
    return found


def _sees(rules: list[Any]) -> dict[Any, Any]:
    policy = Policy(PolicyTable(rules))
    found = {}
    for one in PEOPLE:
        access = policy.access(one)
        for shape in SHAPES:
            open_ = {"v", "w"} - {name for name in ("v", "w") if iri(name) in access.hidden_attrs(*shape)}
            found[one, shape] = {"", *open_} if access.sees(*shape) else set()
            if access.may_write(*shape, [iri("u")]):
                found[one, shape] = found[one, shape] | {"write"}
    return found


def _opened(before: list[Any], after: list[Any]) -> list[Any]:
    was, now = _sees(before), _sees(after)
    return [(key, now[key] - was[key]) for key in was if not now[key] <= was[key]]


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.data())
def test_what_cannot_be_read_is_refused_and_never_opens(entry: Dataset, data: st.DataObject) -> None:
    doc = to_entity(entry)
    name, instances = data.draw(st.sampled_from(_mistakes(doc)))
    wrong = {**doc, "attrs": {**doc["attrs"], iri(name): instances}}
    with pytest.raises(BadRequestData) as refused:
        check_entry(doc, wrong)
    assert refused.value.extra["field"] == name
    with pytest.raises(BadRequestData):
        check_entry(None, wrong)
    read = from_entity(wrong)
    assert read.faults
    assert read.retention is None
    # In force where the entry has been readable before: what it said then, and what can be read of it.
    assert not _opened(entry.rules(), [*entry.rules(), *read.rules()])


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.data())
def test_what_still_names_its_types_stays_closed_without_a_past(entry: Dataset, data: st.DataObject) -> None:
    doc = to_entity(entry)
    name, instances = data.draw(st.sampled_from(_mistakes(doc)))
    wrong = {**doc, "attrs": {**doc["attrs"], iri(name): instances}}
    read = from_entity(wrong)
    if read.types >= entry.types and read.hidden.keys() >= entry.hidden.keys():
        assert not _opened(entry.rules(), read.rules())


def test_what_is_right_is_accepted_and_mended_step_by_step() -> None:
    entry = Dataset(
        "x", {}, {}, "a", "x", Classification.OFFICIAL_SECRET, frozenset({iri("Osm1")}), "/closed", hidden={iri("v"): Classification.PERSONAL}
    )  # fmt: skip
    doc = to_entity(entry)
    check_entry(None, doc)
    check_entry(doc, {**doc, "attrs": {**doc["attrs"], iri("selector"): [prop({"types": ["Osm1"]})]}})
    broken = {
        **doc,
        "attrs": {
            **doc["attrs"],
            iri("selector"): [js({"types": "Osm1"})],
            iri("classification"): [prop("?")],
        },
    }
    better = {**broken, "attrs": {**broken["attrs"], iri("selector"): doc["attrs"][iri("selector")]}}
    check_entry(broken, better)
    check_entry(better, doc)
    for gone in ("selector", "purpose"):
        was = to_entity(
            Dataset("x", {}, {}, "a", "x", Classification.PERSONAL, frozenset({iri("Osm1")}), purpose="study")
        )
        with pytest.raises(BadRequestData):
            check_entry(was, {**was, "attrs": {k: v for k, v in was["attrs"].items() if k != iri(gone)}})
    with pytest.raises(BadRequestData):
        check_entry(doc, {**doc, "attrs": {**doc["attrs"], iri("selector"): [js({})]}})


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_entry_of_an_older_directory_stays_closed_by_what_it_last_said(
    tmp_path: Path, anyio_backend: str
) -> None:
    entry = Dataset("x", {}, {}, "ag-one", "x", Classification.OFFICIAL_SECRET, frozenset({iri("Osm1")}))
    broker = Broker.open(tmp_path)
    await broker.start()
    try:
        actor = system_actor("test")
        await broker.write([WriteOp(OpKind.CREATE, entry.id, to_entity(entry))], actor)
        for bad in (7, {"types": 7}):  # as a version before accepted it
            broken: Doc = {"attrs": {iri("selector"): [js(bad)]}}
            (done,) = await broker.write([WriteOp(OpKind.UPDATE, entry.id, broken)], actor)
            assert done.error is None
        policy = Policy()
        catalogue = Catalogue(broker, policy)
        await catalogue.start()
        other = policy.access(Rights(frozenset({"dispatcher"}), "ag-two", "operations"))
        assert not other.sees([iri("Osm1")], [])
        mended: Doc = {"attrs": {iri("selector"): [js({"types": ["Osm2"]})]}}
        (done,) = await broker.write([WriteOp(OpKind.UPDATE, entry.id, mended)], actor)
        assert done.error is None
        other = policy.access(Rights(frozenset({"dispatcher"}), "ag-two", "operations"))
        assert other.sees([iri("Osm1")], [])
        assert not other.sees([iri("Osm2")], [])
        (done,) = await broker.write([WriteOp(OpKind.UPDATE, entry.id, broken)], actor)
        assert isinstance(done.error, BadRequestData)
        assert DATASET in broker.get(entry.id, actor.access)["type"]
        await catalogue.stop()
    finally:
        await broker.close()
