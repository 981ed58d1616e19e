"""Law: what the platform reads as its own configuration is written by the city's administrators alone, and never by a token that
is narrowed, by a device or by somebody of another tenant, whatever the operation; and what cannot be read is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from andaman.broker.entity.build import iri, js
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import Role, system_actor
from andaman.identity.policy import default_configuring
from andaman.identity.records import TokenKind
from andaman.rooms import TYPES

from .support import client, platform, run
from .test_bound_tokens import NG, VEHICLE, bearer

CONFIGURING = sorted(default_configuring(TYPES, iri))
SELECTOR = iri("selector")


def _thing(entity_id: str, types: Any, scope: str) -> dict[str, Any]:
    return {"id": entity_id, "type": types, "scope": scope, "name": {"type": "Property", "value": "x"}}


async def _refused(http: httpx.AsyncClient, kind: str, there: str, data: str, scope: str) -> None:
    """Every operation, on an entity of this type that is there and on one that is made one, is refused or finds nothing."""
    new = _thing("urn:x:new", kind, scope)
    mixed = _thing("urn:x:mixed", [VEHICLE, kind], scope)
    change = {"name": {"type": "Property", "value": "y"}}
    asked: list[tuple[str, str, Any]] = [
        ("POST", "entities", new),
        ("POST", "entities", mixed),
        ("POST", f"entities/{data}/attrs", {"type": [VEHICLE, kind]}),
        ("PATCH", f"entities/{data}", {"type": [VEHICLE, kind]}),
        ("PUT", f"entities/{data}", _thing(data, [VEHICLE, kind], scope)),
        ("POST", f"entities/{there}/attrs", change),
        ("PATCH", f"entities/{there}/attrs", change),
        ("PATCH", f"entities/{there}/attrs/name", {"value": "y"}),
        ("PUT", f"entities/{there}/attrs/name", {"type": "Property", "value": "y"}),
        ("PATCH", f"entities/{there}", change),
        ("PUT", f"entities/{there}", _thing(there, kind, scope)),
        ("DELETE", f"entities/{there}/attrs/name", None),
        ("DELETE", f"entities/{there}", None),
        ("POST", "temporal/entities", {**new, "name": [{**change["name"], "observedAt": "2026-01-01T00:00:00Z"}]}),
        (
            "POST",
            f"temporal/entities/{there}/attrs",
            {"name": [{**change["name"], "observedAt": "2026-01-01T00:00:00Z"}]},
        ),
        ("DELETE", f"temporal/entities/{there}", None),
        ("DELETE", f"temporal/entities/{there}/attrs/name?deleteAll=true", None),
    ]  # fmt: skip
    for method, path, body in asked:
        answer = await http.request(method, f"{NG}/{path}", json=body)
        assert answer.status_code in (403, 404, 400), (method, path, answer.status_code, answer.text)
        assert answer.status_code != 400 or "type" in answer.text, (method, path, answer.text)
    for name, body in (
        ("create", [new, mixed]),
        ("upsert", [new, mixed]),
        ("upsert?options=update", [_thing(there, kind, scope), _thing(data, [VEHICLE, kind], scope)]),
        ("update", [_thing(there, kind, scope), _thing(data, [VEHICLE, kind], scope)]),
        ("merge", [_thing(there, kind, scope), _thing(data, [VEHICLE, kind], scope)]),
        ("delete", [there]),
    ):
        answer = await http.post(f"{NG}/entityOperations/{name}", json=body)
        assert answer.status_code in (207, 400, 403, 404), (name, answer.status_code, answer.text)
        assert not answer.json().get("success"), (name, answer.text)
    await http.delete(f"{NG}/entities?type={kind}")


def test_narrowed_tokens_devices_and_other_tenants_configure_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            bearer(app, roles=[Role.ADMINISTRATOR]) as root,
            bearer(app, roles=[Role.ADMINISTRATOR], scopes=["/mine"]) as by_scope,
            bearer(app, roles=[Role.ADMINISTRATOR], types=[VEHICLE, *CONFIGURING]) as by_type,
            bearer(app, kind=TokenKind.DEVICE, types=[VEHICLE], scopes=["/mine"]) as device,
            bearer(app, kind=TokenKind.DEVICE, types=[VEHICLE, *CONFIGURING]) as typed_device,
            bearer(app, roles=["operator", "dispatcher", "analyst"], agency="pk-ddpm", purpose="investigation") as staff,
            bearer(app, roles=["analyst"], agency="pk-province", purpose="investigation") as province,
            bearer(app, roles=[Role.ADMINISTRATOR], tenant="t2") as elsewhere,
        ):  # fmt: skip
            assert (
                await root.post(f"{NG}/entities", json=_thing("urn:x:data", VEHICLE, "/mine"))
            ).status_code == 201
            for number, kind in enumerate(CONFIGURING):
                there = f"urn:x:there:{number}"
                assert (
                    await root.post(f"{NG}/entities", json=_thing(there, kind, "/mine"))
                ).status_code == 201
                before = (await root.get(f"{NG}/entities/{there}?options=sysAttrs")).json()
                for one in (by_scope, by_type, device, typed_device, staff, province, elsewhere):
                    await _refused(one, kind, there, "urn:x:data", "/mine")
                assert (await root.get(f"{NG}/entities/{there}?options=sysAttrs")).json() == before
            assert (
                await by_scope.post(f"{NG}/entities", json=_thing("urn:x:own", VEHICLE, "/mine"))
            ).status_code == 201

    run(work)


def _entry(**attrs: Any) -> dict[str, Any]:
    return {
        "id": "urn:ngsi-ld:Dataset:closed",
        "type": "Dataset",
        "scope": "/catalogue/restricted",
        "datasetCode": "closed",
        "publisher": "ag-one",
        "classification": "officialSecret",
        "selector": {"type": "JsonProperty", "json": {"types": ["Osm1"], "scope": ""}},
        "hiddenAttributes": {"type": "JsonProperty", "json": {"v": "officialSecret"}},
        **attrs,
    }


MISTAKES: list[dict[str, Any]] = [
    *(
        {"selector": {"type": "JsonProperty", "json": told}}
        for told in (
            {"types": ["Osm1"], "scope": "closed"},
            {"types": ["Osm1"], "scope": "/closed/#"},
            {"types": "Osm1", "scope": ""},
            {"Types": ["Osm1"]},
            {"types": ["Osm1", 7]},
            ["Osm1"],
        )
    ),
    {"selector": {"type": "Property", "value": "Osm1"}},
    {"selector": [{"type": "JsonProperty", "json": {"types": ["Osm1"]}}, {"type": "JsonProperty", "json": {"types": ["Osm2"]}, "datasetId": "urn:x:2"}]},
    {"hiddenAttributes": {"type": "JsonProperty", "json": ["v"]}},
    {"hiddenAttributes": {"type": "JsonProperty", "json": {"v": "secret"}}},
    {"classification": {"type": "Property", "value": "Public"}},
    {"classification": [{"type": "Property", "value": "public"}, {"type": "Property", "value": "officialSecret", "datasetId": "urn:x:2"}]},
    {"purpose": {"type": "Property", "value": 7}},
    {"publisher": {"type": "Property", "value": ["ag-two"]}},
]  # fmt: skip


def test_the_doors_refuse_an_entry_that_cannot_be_read(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            client(app, Role.ADMINISTRATOR) as root,
            bearer(app, roles=["operator"], agency="ag-two", purpose="operations") as other,
        ):
            link = {"Link": '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
            root.headers.update(link)
            secret = {"id": "urn:x:osm", "type": iri("Osm1"), "v": 1}
            assert (await root.post(f"{NG}/entities", json=secret)).status_code == 201
            entry = _entry()
            place = f"{NG}/entities/{entry['id']}"
            for mistake in MISTAKES:
                (name,) = mistake
                answer = await root.post(f"{NG}/entities", json=_entry(**mistake))
                assert answer.status_code == 400, (mistake, answer.text)
                assert f"{name} is " in answer.json()["detail"]
            assert (await root.post(f"{NG}/entities", json=entry)).status_code == 201
            assert (await other.get(f"{NG}/entities/urn:x:osm")).status_code == 404
            for mistake in MISTAKES:
                (name,) = mistake
                for method, path, body in (
                    ("PATCH", f"{place}/attrs", mistake),
                    ("PATCH", place, mistake),
                    ("POST", f"{place}/attrs", mistake),
                    ("PUT", place, _entry(**mistake)),
                ):
                    answer = await root.request(method, path, json=body)
                    assert answer.status_code == 400, (method, mistake, answer.status_code, answer.text)
                for operation in ("upsert", "upsert?options=update", "update", "merge"):
                    answer = await root.post(f"{NG}/entityOperations/{operation}", json=[_entry(**mistake)])
                    assert answer.status_code in (207, 400), (operation, mistake, answer.text)
                    assert f"{name} is " in answer.text
                assert (await other.get(f"{NG}/entities/urn:x:osm")).status_code == 404, mistake
            answer = await root.delete(f"{place}/attrs/selector")
            assert answer.status_code == 400, answer.text
            assert (await root.patch(f"{place}/attrs", json={"title": "still fine"})).status_code == 204

    run(work)


@pytest.mark.parametrize(
    "told", [{"types": "Osm1"}, {"Types": ["Osm1"]}, {"types": ["Osm1"], "scope": "closed"}, 7]
)
def test_an_entry_that_was_written_before_is_closed_after_a_start(tmp_path: Path, told: Any) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root:
            link = {"Link": '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
            root.headers.update(link)
            for body in (_entry(), {"id": "urn:x:osm", "type": iri("Osm1"), "v": 1}):
                assert (await root.post(f"{NG}/entities", json=body)).status_code == 201
            app.broker._ledger.writer._merger.checks.clear()  # as versions before did
            write = WriteOp(OpKind.UPDATE, _entry()["id"], {"attrs": {SELECTOR: [js(told)]}})
            (done,) = await app.broker.write([write], system_actor("test"))
            assert done.error is None
        async with (
            platform(tmp_path) as app,
            client(app) as public,
            bearer(app, roles=["dispatcher"], agency="ag-two", purpose="operations") as other,
        ):
            for one in (public, other):
                assert (await one.get(f"{NG}/entities/urn:x:osm")).status_code == 404, json.dumps(told)

    run(work)
