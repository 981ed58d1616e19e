"""Ids that the platform makes cannot be guessed: who may create learns whether an id is taken, and nothing by trying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andaman.app import App
from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.command.dispatch.steps import assignment_id
from andaman.command.signals.episode import alert_id
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.ids import keyed_id, sortable_id
from andaman.offline import cli_actor

from .support import client, platform, run

NG = "/ngsi-ld/v1"
RANDOM = 20
"""Characters of an id that carry 5 random bits each: 100 in all."""


@given(st.lists(st.integers(0, (1 << 50) * 1000 - 1), min_size=2, max_size=20))
def test_ids_sort_by_the_millisecond_they_were_made_in(times: list[int]) -> None:
    made = [(at // 1000, sortable_id(at)) for at in times]
    assert [ms for ms, _ in sorted(made, key=lambda pair: pair[1])] == sorted(ms for ms, _ in made)
    assert len({one for _, one in made}) == len(made)


def test_each_character_behind_the_time_is_as_likely_as_any_other() -> None:
    tails = [sortable_id(0)[-RANDOM:] for _ in range(4000)]
    for place in range(RANDOM):
        counts = [0] * 128
        for tail in tails:
            counts[ord(tail[place])] += 1
        seen = [count for count in counts if count]
        assert len(seen) == 32
        assert 60 < min(seen) <= max(seen) < 200  # 125 on average, deviation 11


@given(st.binary(min_size=1, max_size=64), st.lists(st.text(), min_size=1, max_size=4))
def test_an_id_that_follows_from_something_hangs_on_the_key(key: bytes, parts: list[str]) -> None:
    made = keyed_id(key, *parts)
    assert made == keyed_id(key, *parts)
    assert len(made) == RANDOM
    assert made != keyed_id(key + b"x" if len(key) < 64 else key[:-1], *parts)
    assert made != keyed_id(key, *parts, "more")


async def ids_of(app: App) -> dict[str, str]:
    """What the platform calls things that are made in the same way on every platform."""
    found: dict[str, str] = {}
    async with client(app, Role.ADMINISTRATOR) as root, client(app, "dispatcher") as dispatcher:
        query = {"type": "Query", "entities": [{"type": iri("Vehicle")}]}
        sub: dict[str, Any] = {
            "type": "Subscription",
            "entities": [{"type": iri("Vehicle")}],
            "notification": {"endpoint": {"uri": "http://192.0.2.1/"}},
        }
        source = {
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": iri("Vehicle")}]}],
            "endpoint": "http://192.0.2.1",
        }
        for name, body in {
            "subscriptions": sub,
            "csourceSubscriptions": sub,
            "csourceRegistrations": source,
            "snapshots": {"type": "Snapshot", "snapshotQueries": [query]},
            "jsonldContexts": {"@context": {"a": "http://x.org/a"}},
        }.items():
            answer = await root.post(f"{NG}/{name}", json=body)
            assert answer.status_code == 201, answer.text
            found[name] = answer.headers["location"].rpartition("/")[2].rpartition(":")[2]
        mapped = await root.get(f"{NG}/entityMaps?type={iri('Vehicle')}&local=true")
        found["entityMaps"] = mapped.json()["id"].rpartition(":")[2]
        token = await root.post("/api/identity/tokens", json={"name": "x", "roles": ["operator"]})
        found["tokens"] = token.json()["token"]["id"]
        found["sessions"] = (await root.get("/auth/sessions")).json()["sessions"][0]["id"]
        incident = {
            "incidentType": "fire",
            "severity": "Severe",
            "location": {"type": "Point", "coordinates": [98.3, 7.9]},
        }
        made = await dispatcher.post("/api/command/incidents", json=incident)
        assert made.status_code == 201, made.text
        found["incidents"] = made.json()["incident"]["id"].rpartition(":")[2]
        role = await root.post("/api/training/roles", json={"person": "user:somchai", "role": "dispatcher"})
        assert role.status_code in (204, 400), role.text
        courses = (await root.get("/api/training")).json()["courses"]
        first = courses[0]
        step = await dispatcher.post(
            f"/api/training/courses/{first['id']}/steps/{first['steps'][0]['id']}", json={"begin": True}
        )
        assert step.status_code == 200, step.text
    for doc in app.broker.iter_entities([iri(kind) for kind in ("Enrolment", "StaffMember")], FULL_ACCESS):
        found[doc["type"][0]] = doc["id"].rpartition(":")[2]
    return found


def test_no_id_of_one_platform_tells_one_of_another(tmp_path: Path) -> None:
    """The same things, made in the same way by the same people, on two platforms: no name is the same, none is short."""

    async def work() -> None:
        every = []
        for name in ("one", "two"):
            async with platform(tmp_path / name) as app:
                every.append(await ids_of(app))
        one, two = every
        assert one.keys() == two.keys()
        assert {
            "subscriptions",
            "snapshots",
            "tokens",
            "sessions",
            "incidents",
            iri("Enrolment"),
        } <= one.keys()
        for kind, made in one.items():
            other = two[kind]
            assert len(made) >= RANDOM, kind
            same = sum(a == b for a, b in zip(made[-RANDOM:], other[-RANDOM:], strict=True))
            assert same < RANDOM // 2, (kind, made, other)

    run(work)


def test_ids_that_follow_from_rule_unit_and_number_hang_on_the_stores_secret(tmp_path: Path) -> None:
    async def work() -> None:
        keys = []
        for name in ("one", "two"):
            async with platform(tmp_path / name) as app:
                keys.append(app.broker.position_key)
        assert len({*keys}) == 2
        unit = "urn:ngsi-ld:EmergencyUnit:police-01"
        assert len({alert_id("urn:r", "urn:e", 5, key) for key in (*keys, b"")}) == 3
        assert len({assignment_id(unit, 1, key) for key in (*keys, b"")}) == 3
        assert assignment_id(unit, 1, keys[0]).endswith("-police-01-00001")

    run(work)


def test_a_record_of_an_older_version_keeps_its_name(tmp_path: Path) -> None:
    """Somebody's progress is not lost, nor there twice, because ids are made otherwise now."""

    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "dispatcher") as http:
            (first, *_) = (await http.get("/api/training")).json()["courses"]
            older = f"urn:ngsi-ld:Enrolment:{first['id']}:user-test-dispatcher"
            doc = entity(older, "Enrolment", ("/training/record",), person=prop("user:test-dispatcher"))
            await app.broker.write([WriteOp(OpKind.CREATE, older, doc)], system_actor("training"))
            step = f"/api/training/courses/{first['id']}/steps/{first['steps'][0]['id']}"
            assert (await http.post(step, json={"begin": True})).status_code == 200
            assert (await http.get(f"/api/training/courses/{first['id']}")).json()["progress"]
            kept = [one["id"] for one in app.broker.iter_entities([iri("Enrolment")], FULL_ACCESS)]
            assert kept == [older]

    run(work)


def test_the_words_over_a_hidden_id_are_those_of_every_refused_creation(tmp_path: Path) -> None:
    """Decision 0004: that an id is taken is all that can be learned, and by nothing but that it is refused."""

    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "analyst") as http:
            hidden = entity("urn:x:hidden", "StaffMember", ("/training/record",), person=prop("user:x"))
            await app.broker.write([WriteOp(OpKind.CREATE, "urn:x:hidden", hidden)], cli_actor())
            kpi = iri("KeyPerformanceIndicator")
            for name in ("hidden", "free"):
                entity_id = f"urn:x:{name}"
                wrong = await http.post(f"{NG}/entities", json={"id": entity_id, "type": iri("Dataset")})
                assert wrong.status_code == 403
                assert wrong.json()["detail"] == f"You may not create entity {entity_id} here"
            taken = await http.post(f"{NG}/entities", json={"id": "urn:x:hidden", "type": kpi})
            assert (taken.status_code, taken.json()["detail"]) == (
                403,
                "You may not create entity urn:x:hidden here",
            )
            assert (
                await http.post(f"{NG}/entities", json={"id": "urn:x:free", "type": kpi})
            ).status_code == 201

    run(work)
