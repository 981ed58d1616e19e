"""Laws of rights through a running platform: nothing is told to anybody who may not see it in the moment of sending, and the
rules in force are those of a fresh start after a change of any field of a dataset."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from andaman.app import App, build
from andaman.broker.entity.build import iri
from andaman.broker.outgoing import Reply, Unreachable
from andaman.broker.subscriptions.service import Subscriptions
from andaman.catalogue.service import _OWN_RULES, Catalogue
from andaman.doors.live.hub import Hub
from andaman.identity.model import Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, Rights
from andaman.identity.records import Account
from andaman.identity.tenants import rights_of
from andaman.offline import cli_actor
from andaman.settings import load_settings

from .support import PASSWORD, client, platform, run

B = "/ngsi-ld/v1"
LINK = {"Link": '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
TYPES = ("Alpha", "Beta", "Gamma")
CLASSES = ("public", "personal", "security", "officialSecret")
ROUNDS = int(os.environ.get("ANDAMAN_RIGHTS", "3"))
SEED = int(os.environ.get("ANDAMAN_RIGHTS_SEED", "0"))
"""Histories, and the number of the first."""


class Wire:
    """Stands for the way out: what is sent is judged in the moment in which it would leave."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.well, self.sent = judge, True, 0

    async def request(self, method: str, url: str, **more: Any) -> Reply:
        await asyncio.sleep(0)
        self.judge(url, orjson.loads(more["body"]))
        self.sent += 1
        if not self.well:
            raise Unreachable("away")
        return Reply(200, {}, b"")

    def tidy(self) -> None: ...

    def close(self) -> None: ...


class Judge:
    """Knows whose each subscription is and what that one may see: by a policy made anew each time from the catalogue's
    documents and the accounts in the database.

    A change of rights is written by another thread or before its time to tell has come, so that it stands in the database a
    moment before it is in force. It is in force as soon as the platform tells it to its parts (``Identity.on_change``), and at
    the latest when whoever asked for it has the answer. Until then what was in force before is right too; from then on it is
    not.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.whose: dict[str, tuple[str, str, int]] = {}  # subscription → account, purpose, password's era
        self.doing = ""
        self.excused = 0
        self.wrong: list[str] = []
        self.in_force: tuple[dict[str, Account], Policy] | None = (
            None  # None: what was before excuses nothing
        )

    def follow(self) -> None:
        self.note()
        self.app.identity.on_change(self.note)

    def note(self) -> None:
        """What the database and the catalogue say now is in force from here on."""
        self.in_force = ({one.username: one for one in self.app.identity.list_users()}, self.policy())

    def policy(self) -> Policy:
        from andaman.catalogue.model import DATASET, from_entity
        from andaman.identity.model import FULL_ACCESS

        docs = self.app.broker.iter_entities([DATASET], FULL_ACCESS)
        rules = [rule for doc in docs for rule in from_entity(doc).rules()]
        return Policy(PolicyTable([*_OWN_RULES, *rules]))

    def may(self, sub: str, types: list[str], account: Account, policy: Policy) -> bool:
        """By what the database and the catalogue say now, or by what is in force still."""
        name = self.whose[sub][0]
        if self._may(sub, types, account, policy):
            return True
        before = self.in_force
        excused = before is not None and self._may(sub, types, before[0][name], before[1])
        self.excused += excused
        return excused

    def _may(self, sub: str, types: list[str], account: Account, policy: Policy) -> bool:
        _, purpose, era = self.whose[sub]
        if account.disabled or account.era != era:
            return False
        if Role.ADMINISTRATOR not in account.roles and purpose not in ("", "operations"):
            purpose = ""
        if purpose == "operations" and account.roles.isdisjoint(
            {"operator", "dispatcher", Role.ADMINISTRATOR}
        ):
            purpose = ""
        rights: Rights = rights_of(self.app.identity.store, account, purpose)
        return policy.access(rights).sees([iri(one) for one in types], [])

    def __call__(self, url: str, body: Any) -> None:
        account, policy = self.app.identity.get_user(self.whose[body["subscriptionId"]][0]), self.policy()
        for entity in body["data"]:
            types = entity["type"] if isinstance(entity["type"], list) else [entity["type"]]
            if not self.may(body["subscriptionId"], types, account, policy):
                self.wrong.append(f"{body['subscriptionId']} was told {entity} ({self.doing})")


@dataclass
class World:
    app: App
    http: httpx.AsyncClient  # an administrator's
    judge: Judge
    wire: Wire
    people: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    subs: int = 0
    writes: int = 0

    async def sign_in(self, name: str, password: str, purpose: str = "") -> httpx.AsyncClient | None:
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app.asgi), base_url="http://localhost:8026"
        )
        body = {"username": name, "password": password, "purpose": purpose}
        answer = await http.post("/auth/login", json=body)
        if answer.status_code != 200:
            return None
        http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return http

    async def subscribe(self, http: httpx.AsyncClient, name: str, purpose: str, **members: Any) -> None:
        self.subs += 1
        sub_id = f"urn:ngsi-ld:Subscription:{self.subs}"
        account = self.app.identity.get_user(name)
        self.judge.whose[sub_id] = (name, purpose, account.era)
        body = {
            "id": sub_id,
            "type": "Subscription",
            "entities": [{"type": one} for one in TYPES],
            "notification": {"endpoint": {"uri": f"http://127.0.0.1:9/{self.subs % 3}"}},
            **members,
        }
        answer = await http.post(f"{B}/subscriptions", json=body)
        assert answer.status_code == 201, answer.text

    async def write(self, kind: str, number: int) -> None:
        self.writes += 1
        body = [{"id": f"urn:ngsi-ld:{kind}:{number}", "type": kind, "n": self.writes}]
        answer = await self.http.post(f"{B}/entityOperations/upsert", json=body)
        assert answer.status_code < 300, answer.text


def dataset(code: str, kind: str, classification: str, purpose: str, publisher: str) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Dataset:{code}",
        "type": "Dataset",
        "scope": "/catalogue/open",
        "datasetCode": code,
        "selector": {"type": "JsonProperty", "json": {"types": [kind], "scope": ""}},
        "classification": classification,
        "purpose": purpose,
        "publisher": publisher,
    }


async def history(world: World, dice: random.Random, steps: int) -> None:
    """Random grants, withdrawals, writes and subscriptions. The receiver is away now and then, so that much waits."""
    mark = dice.randrange(1 << 30)
    passwords: dict[str, int] = {}
    for number in range(2):
        name = f"p{mark}x{number}"
        await world.app.identity.add_user(name, PASSWORD, [Role.ADMINISTRATOR], cli_actor(), agency="pk-a")
        passwords[name] = 0
    names = list(passwords)

    async def subscribe() -> None:
        name = dice.choice(names)
        purpose = dice.choice(["", "operations", "study"])
        password = PASSWORD + "!" * passwords[name]
        http = await world.sign_in(name, password, purpose)
        if http is not None:
            me = (await http.get("/auth/me")).json()["principal"]["purpose"]
            more: dict[str, Any] = dice.choice([{}, {"throttling": 0.2}, {"timeInterval": 1}])
            await world.subscribe(http, name, me, **more)
            await http.aclose()

    async def account() -> None:
        name = dice.choice(names)
        change: dict[str, Any] = dice.choice(
            [
                {
                    "roles": dice.choice(
                        [["operator"], ["analyst"], ["administrator"], ["public", "operator"][1:]]
                    )
                },
                {"disabled": dice.random() < 0.5},
                {"agency": dice.choice(["", "pk-a", "pk-b"])},
                {"password": PASSWORD + "!" * (passwords[name] + 1)},
            ]
        )
        passwords[name] += "password" in change
        answer = await world.http.patch(f"/api/identity/users/{name}", json=change)
        assert answer.status_code == 200, answer.text

    async def catalogue() -> None:
        kind = dice.choice(TYPES)
        body = [
            dataset(kind.lower(), kind, dice.choice(CLASSES), dice.choice(["operations", "study"]), "pk-a")
        ]
        answer = await world.http.post(f"{B}/entityOperations/upsert", json=body, headers=LINK)
        assert answer.status_code < 300, answer.text

    async def receiver() -> None:
        world.wire.well = not world.wire.well

    async def wait() -> None:
        await asyncio.sleep(dice.choice([0.0, 0.05, 0.3]))

    async def write() -> None:
        await world.write(dice.choice(TYPES), dice.randrange(4))

    for _ in range(steps):
        doing: Awaitable[None] = dice.choices(
            [subscribe, account, catalogue, receiver, wait, write], [3, 4, 3, 1, 3, 8]
        )[0]()
        world.judge.doing = doing.__name__  # type: ignore[attr-defined]
        await doing
        world.judge.note()  # whatever the step took away is gone from here on
        world.judge.doing = f"after {world.judge.doing}"
        assert not world.judge.wrong, world.judge.wrong[:3]
    world.wire.well = True
    await asyncio.sleep(0.7)
    assert not world.judge.wrong, world.judge.wrong[:3]


def slowed(app: App, dice: random.Random) -> None:
    """Let time pass now and then between the moment in which a change of an account is on disk and the one in which the
    platform hears of it: as much as on a machine with too much to do, so that much is composed and sent in between."""
    apply = app.identity._apply_user

    def slowly(*arguments: Any) -> Account:
        changed = apply(*arguments)
        time.sleep(dice.choice([0, 0, 0, 0, 0, 0.05, 0.05, 0.05, 0.3, 0.3]))
        return changed

    app.identity._apply_user = slowly  # type: ignore[method-assign, assignment]


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_is_told_that_its_owner_may_not_see_when_it_is_sent(tmp_path: Path) -> None:
    async def work() -> None:
        app = build(
            load_settings(
                {"data": str(tmp_path), "min_free_mb": 0, "context_allow_loopback": True}, environ={}
            )
        )
        judge = Judge(app)
        wire = Wire(judge)
        app.get(Subscriptions)._client = wire  # type: ignore[assignment]
        await app.start()
        judge.follow()
        slowed(app, random.Random(SEED))
        try:
            async with client(app, Role.ADMINISTRATOR) as http:
                world = World(app, http, judge, wire)
                for seed in range(SEED, SEED + ROUNDS):
                    await history(world, random.Random(seed), 60)
            assert wire.sent > ROUNDS * 5
            print(f"{wire.sent} sent; {judge.excused} entities while a change was not in force yet")
        finally:
            await app.stop()

    run(work)


CHANGES: list[dict[str, Any]] = [
    {"purpose": "study"},
    {"classification": "officialSecret"},
    {"classification": "public"},
    {"publisher": "pk-b"},
    {"selector": {"type": "JsonProperty", "json": {"types": ["Beta"], "scope": ""}}},
    {"selector": {"type": "JsonProperty", "json": {"types": ["Alpha", "Beta"], "scope": "/a"}}},
    {"hiddenAttributes": {"type": "JsonProperty", "json": {"n": "officialSecret"}}},
    {"hiddenAttributes": {"type": "JsonProperty", "json": {"n": "personal", "m": "public"}}},
    {"datasetCode": "another"},
    {"type": "Thing"},
]


def test_after_any_change_of_a_dataset_the_answers_are_those_of_a_fresh_start(tmp_path: Path) -> None:
    """Through the running broker, in the very next request; then with a platform that starts on what is there."""
    principals = [
        Rights(frozenset({role}), agency, purpose)
        for role in (Role.PUBLIC, "operator", "dispatcher", "analyst", Role.ADMINISTRATOR)
        for agency in ("", "pk-a", "pk-b")
        for purpose in ("", "operations", "investigation", "study")
    ]
    shapes = [
        ((iri(one),), scopes) for one in ("Alpha", "Beta", "Thing", "Dataset") for scopes in ((), ("/a/b",))
    ]
    shapes.append(((iri("Alpha"), iri("Beta")), ("/a",)))

    def answers(policy: Policy) -> list[Any]:
        found = []
        for rights in principals:
            access = policy.access(rights)
            for types, scopes in shapes:
                hidden = sorted(access.hidden_attrs(types, scopes))
                found.append(
                    (access.sees(types, scopes), hidden, access.may_write(types, scopes, [iri("n")]))
                )
        return found

    def made_anew(app: App) -> Policy:
        return Policy(
            PolicyTable(
                Judge(app).policy().table.datasets,
                app.get(Policy).table.writes,
                app.get(Policy).table.configuring,
            )
        )

    rules = ""

    async def work() -> None:
        nonlocal rules
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:
            seen: set[tuple[int, bool]] = set()
            operator = "test-operator"
            async with client(app, "operator") as asking:
                first = dataset("alpha", "Alpha", "personal", "operations", "pk-a")
                assert (await http.post(f"{B}/entities", json=first, headers=LINK)).status_code == 201
                record = {"id": "urn:ngsi-ld:Alpha:1", "type": "Alpha", "n": 1}
                assert (await http.post(f"{B}/entities", json=record)).status_code == 201
                account = app.identity.get_user(operator)
                for change in CHANGES:
                    await http.delete(f"{B}/entities/{first['id']}")
                    assert answers(app.get(Policy)) == answers(made_anew(app)), "deleted"
                    assert (await http.post(f"{B}/entities", json=first, headers=LINK)).status_code == 201
                    before = await asking.get(f"{B}/entities/{record['id']}")
                    assert before.status_code == 200
                    changed = await http.post(
                        f"{B}/entityOperations/upsert?options=update", json=[first | change], headers=LINK
                    )
                    assert changed.status_code < 300, changed.text
                    fresh = made_anew(app)
                    assert answers(app.get(Policy)) == answers(fresh), change
                    rights = rights_of(app.identity.store, account, "operations")
                    sees = fresh.access(rights).sees([iri("Alpha")], [])
                    after = await asking.get(f"{B}/entities/{record['id']}")
                    assert after.status_code == (200 if sees else 404), change
                    if sees:
                        hides = iri("n") in fresh.access(rights).hidden_attrs([iri("Alpha")], [])
                        assert ("n" in after.json()) == (not hides), change
                    seen.add((after.status_code, "n" in after.json()))
                assert len(seen) >= 3  # hidden whole, hidden in part, shown
                seeded = await http.delete(f"{B}/entities/{app.get(Catalogue).all_datasets()[0].id}")
                assert seeded.status_code == 204
                in_force = answers(app.get(Policy))
                rules = app.get(Policy).table.fingerprint
        async with platform(tmp_path) as app:
            assert answers(app.get(Policy)) == in_force
            assert app.get(Policy).table.fingerprint == rules  # what was deleted is not seeded again

    run(work)


def test_rules_are_in_force_before_anything_is_told_after_a_start(tmp_path: Path) -> None:
    """What waits for a receiver is told by the rules of the catalogue, not by those of a platform that has not read it."""

    async def work() -> None:
        async with (
            platform(tmp_path, context_allow_loopback=True) as app,
            client(app, Role.ADMINISTRATOR) as http,
        ):
            secret = dataset("alpha", "Alpha", "officialSecret", "operations", "pk-b")
            assert (await http.post(f"{B}/entities", json=secret, headers=LINK)).status_code == 201
            wire = Wire(Judge(app))
            app.get(Subscriptions)._client = wire  # type: ignore[assignment]
            await app.identity.add_user("boss", PASSWORD, [Role.ADMINISTRATOR], cli_actor())
            world = World(app, http, wire.judge, wire)
            boss = await world.sign_in("boss", PASSWORD)
            assert boss is not None
            await world.subscribe(boss, "boss", "")
            await app.identity.update_user("boss", cli_actor(), roles=[Role.ADMINISTRATOR])
            app.get(Subscriptions).engine._courier._closed = True  # nothing leaves any more
            await world.write("Alpha", 1)
            await asyncio.sleep(0.2)
        app = build(load_settings({"data": str(tmp_path), "min_free_mb": 0}, environ={}))
        await app.identity.update_user("boss", cli_actor(), roles=["operator"])
        judge = Judge(app)
        judge.whose = wire.judge.whose
        second = Wire(judge)
        app.get(Subscriptions)._client = second  # type: ignore[assignment]
        start = app.get(Hub).start

        async def slowly() -> None:
            await asyncio.sleep(0.5)  # as long as the rest of the platform takes
            await start()

        app.get(Hub).start = slowly  # type: ignore[method-assign]
        await app.start()
        try:
            await asyncio.sleep(0.5)
            assert judge.wrong == []
            assert second.sent == 0
        finally:
            await app.stop()

    run(work)


def test_the_rules_of_datasets_read_alike_whatever_is_in_them() -> None:
    """No sign in a name makes two tables one, and every field counts."""
    one = DatasetRule("a", frozenset({"urn:x,urn:y"}), "/s", agency="p")
    others = [
        DatasetRule("a", frozenset({"urn:x", "urn:y"}), "/s", agency="p"),
        DatasetRule("a|urn:x", frozenset({"urn:y"}), "/s", agency="p"),
        DatasetRule("a", frozenset({"urn:x,urn:y"}), "/s", agency="p", purpose="study"),
        DatasetRule("a", frozenset({"urn:x,urn:y"}), "/s|p"),
    ]
    prints = {PolicyTable([each]).fingerprint for each in (one, *others)}
    assert len(prints) == 5
