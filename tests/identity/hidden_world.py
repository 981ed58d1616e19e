"""A platform with things that all may see, principals who may not see the rest, and the rest, to be written later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from andaman.app import App, build
from andaman.broker.entity.build import entity, geo, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.catalogue.model import Dataset, to_entity
from andaman.doors.live.hub import Hub
from andaman.evidence.model import Basis, EntityRef
from andaman.evidence.service import Evidence
from andaman.identity.model import Actor, Classification, Role, system_actor
from andaman.kernel.time import SECOND, parse_time
from andaman.kernel.words import Words
from andaman.settings import load_settings
from tests.support import PASSWORD, cli_actor

T0 = parse_time("2026-11-20T08:00:00Z")
ASKED = T0 + 3_600 * SECOND
LD = "/ngsi-ld/v1"
OPEN, SECRET, MIXED = "OpenGauge", "SecretGauge", "OpenCamera"
STRANGE = [f"urn:x:secret:{n}" for n in range(4)]
"""Ids that are hidden afterwards and free before; nobody may write them, so refusals must be in the same words."""


def thing(
    entity_id: str, kind: str | list[str], scope: list[str] | None = None, **attrs: Any
) -> dict[str, Any]:
    shown = {name: {"type": "Property", "value": value} for name, value in attrs.items()}
    made: dict[str, Any] = {"id": entity_id, "type": kind, **({"scope": scope} if scope else {}), **shown}
    if "location" in attrs:
        made["location"] = {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": attrs["location"]},
        }
    if "near" in attrs:
        made["near"] = {"type": "Relationship", "object": attrs["near"]}
    if "level" in attrs:
        made["level"]["observedAt"] = f"2026-11-20T07:0{attrs['level'] % 10}:00Z"
    return made


def dataset(
    code: str, level: Classification, types: list[str], scope: str = "", **hidden: Classification
) -> Dataset:
    return Dataset(
        code, {"th": code, "en": code}, {"th": code, "en": code}, "pk-navy", "CC-BY-4.0", level, frozenset(map(iri, types)), scope,
        hidden={iri(name): its for name, its in hidden.items()},
    )  # fmt: skip


class World:
    """A platform with something that all may see, and principals who may not see the rest."""

    def __init__(self, app: App, clock: list[int]) -> None:
        self.app, self.clock = app, clock
        self.asking: dict[str, httpx.AsyncClient] = {}
        self.admin: httpx.AsyncClient
        self.letters = 0

    async def do(self, method: str, path: str, body: Any = None, tenant: str = "") -> httpx.Response:
        """A write of the administrator's."""
        self.clock[0] += SECOND
        headers = {"Content-Type": "application/json"}
        content = None
        if isinstance(body, (dict, list)) and "@context" in body:
            headers["Content-Type"] = "application/ld+json"
        if body is not None:
            content = orjson.dumps(body)
        if tenant:
            headers["NGSILD-Tenant"] = tenant
        answer = await self.admin.request(method, path, content=content, headers=headers)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer

    async def put(self, made: Dataset) -> None:
        self.clock[0] += SECOND
        (done,) = await self.app.broker.write(
            [WriteOp(OpKind.CREATE, made.id, to_entity(made))], system_actor("test")
        )
        assert done.error is None

    async def settle(self) -> None:
        """Until nobody writes any more and followers have seen all."""
        broker, still, last = self.app.broker, 0, -1
        while still < 8:
            await asyncio.sleep(0.05)
            still = still + 1 if broker.seq == last and self.app.get(Hub).seq == last else 0
            last = broker.seq


@asynccontextmanager
async def world(directory: Path) -> AsyncIterator[World]:
    clock = [T0]
    settings: dict[str, Any] = {"data": str(directory), "min_free_mb": 0, "public_queries_per_minute": 0}
    app = build(load_settings(settings, environ={}), clock=lambda: clock[0])
    await app.start()
    app.get(Evidence).register("listed", listed)
    made = World(app, clock)
    transport = httpx.ASGITransport(app.asgi)
    clients: list[httpx.AsyncClient] = []

    def http(**headers: str) -> httpx.AsyncClient:
        one = httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8026", timeout=60, headers=headers
        )
        clients.append(one)
        return one

    try:
        await app.identity.add_user("boss", PASSWORD, [Role.ADMINISTRATOR], cli_actor())
        made.admin = http()
        answer = await made.admin.post("/auth/login", json={"username": "boss", "password": PASSWORD})
        made.admin.headers["X-CSRF-Token"] = answer.json()["csrf"]
        await _open_things(made)
        tokens: dict[str, dict[str, Any]] = {
            "operator": {"roles": ["operator"], "agency": "pk-ddpm", "purpose": "operations"},
            "analyst": {"roles": ["analyst"], "agency": "pk-ddpm", "purpose": "investigation"},
            "dispatcher": {"roles": ["dispatcher"], "agency": "pk-ddpm", "purpose": "operations"},
            "narrowed": {"roles": ["operator"], "types": [OPEN], "purpose": "operations"},
            "tenant": {"roles": ["operator"], "purpose": "operations", "tenant": "t2"},
        }
        made.asking["public"] = http()
        for name, body in tokens.items():
            token = (
                await made.do("POST", "/api/identity/tokens", {"kind": "api", "name": name, **body})
            ).json()
            more = {"NGSILD-Tenant": "t2"} if name == "tenant" else {}
            made.asking[name] = http(Authorization=f"Bearer {token['secret']}", **more)
        yield made
    finally:
        for one in clients:
            await one.aclose()
        await app.stop()


async def listed(key: str, actor: Actor) -> Basis:
    """A figure of a room over entities of which some are hidden afterwards."""
    ids = [*STRANGE, *(f"urn:x:open:{n}" for n in range(10)), "urn:x:secret:past", "urn:x:nothing"]
    refs = tuple(EntityRef(id=one, attribute=key.rpartition("~")[2]) for one in ids)
    return Basis(title=Words("รายการ", "List"), value=len(refs), entities=refs)


async def _open_things(w: World) -> None:
    """What is there before: of a public dataset with hidden attributes, of one with mixed scopes, and in tenant t2."""
    hushed = Classification.OFFICIAL_SECRET
    await w.put(dataset("open", Classification.PUBLIC, [OPEN, MIXED], secretNote=hushed, driver=hushed))
    await w.put(dataset("secret", hushed, [SECRET]))
    await w.put(dataset("navy", hushed, [], "/navy"))
    for n in range(10):
        attrs: dict[str, Any] = {"level": n, "name": f"gauge {n}", "location": [98.3 + n / 100, 7.9]}
        if n % 2:
            attrs["secretNote"] = f"note {n}"
        if n % 3 == 0:
            attrs["near"] = f"urn:x:open:{(n + 1) % 10}"
        await w.do(
            "POST",
            f"{LD}/entities",
            thing(f"urn:x:open:{n}", OPEN if n % 2 else MIXED, ["/port"] if n % 3 else None, **attrs),
        )
    for n in range(3):
        await w.do(
            "PATCH",
            f"{LD}/entities/urn:x:open:{n}/attrs",
            {"level": {"type": "Property", "value": 20 + n, "observedAt": "2026-11-20T07:30:00Z"}},
        )
    await w.do("DELETE", f"{LD}/entities/urn:x:open:9")
    await w.do("DELETE", f"{LD}/entities/urn:x:open:8/attrs/name")
    await w.do("POST", f"{LD}/entities", thing("urn:x:open:t2", OPEN, level=1), tenant="t2")


async def hidden_things(w: World) -> None:
    """Everything that must not show, each written, changed and some of it deleted."""
    do = w.do
    # hidden attributes of what all see: made, changed, deleted, with the rest of the entity as it was
    for n in range(8):
        one = f"{LD}/entities/urn:x:open:{n}"
        await do("POST", f"{one}/attrs", {"driver": {"type": "Property", "value": f"0812345{n}"}})
        await do("PATCH", f"{one}/attrs", {"secretNote": {"type": "Property", "value": f"changed {n}"}})
    for n in range(4):
        await do("DELETE", f"{LD}/entities/urn:x:open:{n}/attrs/driver")
        await do("DELETE", f"{LD}/entities/urn:x:open:{n}/attrs/secretNote")
    await do("PATCH", f"{LD}/entities/urn:x:open:5", {"secretNote": {"type": "Property", "value": "merged"}})
    batch = [
        {
            "id": f"urn:x:open:{n}",
            "type": OPEN if n % 2 else MIXED,
            "driver": {"type": "Property", "value": "batch"},
        }
        for n in range(4, 8)
    ]
    await do("POST", f"{LD}/entityOperations/upsert?options=update", batch)
    # whole entities: secret types, mixed types, secret scopes, of types that are public elsewhere
    await do(
        "POST", f"{LD}/entities", thing(STRANGE[0], SECRET, level=3, secretNote="x", location=[98.35, 7.9])
    )
    await do(
        "POST",
        f"{LD}/entities",
        thing(STRANGE[1], [OPEN, SECRET], level=4, location=[98.31, 7.9], near="urn:x:open:1"),
    )
    await do(
        "POST",
        f"{LD}/entities",
        thing(STRANGE[2], OPEN, ["/navy/base"], level=5, hushAttr="y", location=[98.32, 7.9]),
    )
    await do("POST", f"{LD}/entities", thing(STRANGE[3], MIXED, ["/port", "/navy"], level=6))
    for n in range(5):
        await do(
            "PATCH", f"{LD}/entities/{STRANGE[n % 4]}/attrs", {"level": {"type": "Property", "value": n}}
        )
    await do("DELETE", f"{LD}/entities/{STRANGE[3]}")
    await do("POST", f"{LD}/entities", thing(STRANGE[3], MIXED, ["/port", "/navy"], level=6))
    # the past
    value = {"type": "Property", "value": 9, "observedAt": "2026-11-20T06:00:00Z"}
    await do("POST", f"{LD}/temporal/entities", {"id": STRANGE[0], "type": SECRET, "level": [value]})
    await do("POST", f"{LD}/temporal/entities", {"id": "urn:x:secret:past", "type": SECRET, "level": [value]})
    await do("POST", f"{LD}/temporal/entities/urn:x:open:1/attrs", {"secretNote": [value]})
    await do("POST", f"{LD}/temporal/entities/urn:x:open:6/attrs", {"driver": [value]})
    await do("DELETE", f"{LD}/temporal/entities/urn:x:open:6/attrs/driver?deleteAll=true")
    # the catalogue
    await w.put(dataset("hush", Classification.OFFICIAL_SECRET, ["HushType"]))
    await do(
        "PATCH",
        f"{LD}/entities/urn:ngsi-ld:Dataset:hush/attrs",
        {"publisher": {"type": "Property", "value": "pk-hush"}},
    )
    # what staff do: subscriptions with contexts of their own, snapshots, contexts, sources' subscriptions
    sub = {
        "id": "urn:x:sub:secret", "type": "Subscription", "entities": [{"type": SECRET}],
        "notification": {"endpoint": {"uri": "http://203.0.113.9/hook"}},
        "@context": [{"hushTerm": "https://secret.example/hush"}],
    }  # fmt: skip
    await do("POST", f"{LD}/subscriptions", sub)
    await do("POST", f"{LD}/jsonldContexts", {"@context": {"hushHosted": "https://secret.example/hosted"}})
    await do(
        "POST",
        f"{LD}/snapshots",
        {
            "id": "urn:x:snap:secret",
            "type": "Snapshot",
            "snapshotQueries": [{"type": "Query", "entities": [{"type": SECRET}]}],
        },
    )
    await do(
        "POST",
        f"{LD}/csourceRegistrations",
        {
            "id": "urn:x:reg:secret",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": SECRET}]}],
            "endpoint": "http://203.0.113.9",
        },
    )
    await do(
        "POST",
        f"{LD}/csourceSubscriptions",
        {
            "id": "urn:x:csub:secret",
            "type": "Subscription",
            "entities": [{"type": SECRET}],
            "notification": {"endpoint": {"uri": "http://203.0.113.9/hook"}},
        },
    )
    # people, other tenants
    await do(
        "POST", "/api/identity/users", {"username": "ghost", "password": PASSWORD, "roles": ["operator"]}
    )
    await do("PATCH", "/api/identity/users/ghost", {"disabled": True})
    token = await do("POST", "/api/identity/tokens", {"kind": "api", "name": "ghost", "roles": ["operator"]})
    await do("DELETE", f"/api/identity/tokens/{(token.json().get('token') or token.json())['id']}")
    await do("POST", f"{LD}/entities", thing("urn:x:other", OPEN, level=1), tenant="t3")
    await do("POST", f"{LD}/entities", thing("urn:x:open:t2-secret", OPEN, ["/navy"], level=1), tenant="t2")
    await do(
        "PATCH",
        f"{LD}/entities/urn:x:open:t2/attrs",
        {"driver": {"type": "Property", "value": 1}},
        tenant="t2",
    )


async def staff_things(w: World) -> None:
    """What staff see and the public does not."""
    do, place = w.do, {"type": "Point", "coordinates": [98.33, 7.9]}
    incident = {
        "incidentType": "roadAccident",
        "severity": "Severe",
        "location": place,
        "reporterName": "Somsri",
        "reporterPhone": "0812345678",
    }
    await do("POST", "/api/command/incidents", incident)
    for kind in (
        "Alert",
        "EmergencyUnit",
        "Device",
        "StaffMember",
        "LearningRecord",
        "NetworkSite",
        "Unclassified",
    ):
        made = thing(f"urn:x:staff:{kind}", kind, level=1, location=[98.33, 7.9])
        op = WriteOp(OpKind.CREATE, made["id"], entity(made["id"], kind, level=prop(1), location=geo(place)))
        w.clock[0] += SECOND
        (done,) = await w.app.broker.write([op], system_actor("test"))
        assert done.error is None
        await do("PATCH", f"{LD}/entities/{made['id']}/attrs", {"level": {"type": "Property", "value": 2}})
    await do("DELETE", f"{LD}/entities/urn:x:staff:Device")
    await do("POST", "/api/identity/tokens", {"kind": "device", "name": "gauge", "types": [OPEN]})
    await do("POST", "/api/identity/agencies", {"code": "pk-ghost", "name": {"th": "ผี", "en": "ghost"}})
