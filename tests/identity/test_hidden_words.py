"""What the differential law cannot ask twice: ids that are taken, sources that fail, contexts that others made, and writes
over what their author does not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.contexts import ContextStore
from andaman.broker.contexts.kept import Entry
from andaman.broker.entity.build import entity, iri, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Actor, Principal, system_actor
from andaman.kernel.addresses import bare_url
from andaman.kernel.errors import Forbidden
from tests.identity.hidden_world import LD, OPEN, World, hidden_things, world
from tests.support import run

HOOK = {"endpoint": {"uri": "http://203.0.113.9/hook"}}


def test_an_id_that_is_taken_is_refused_in_the_words_of_a_refused_write(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            await hidden_things(w)
            for path, body, words in (
                ("subscriptions", {"id": "urn:x:sub:secret", "type": "Subscription", "entities": [{"type": OPEN}], "notification": HOOK}, "subscription urn:x:sub:secret"),
                ("csourceSubscriptions", {"id": "urn:x:csub:secret", "type": "Subscription", "entities": [{"type": OPEN}], "notification": HOOK}, "subscription urn:x:csub:secret"),
                ("snapshots", {"id": "urn:x:snap:secret", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": OPEN}]}]}, "snapshot urn:x:snap:secret"),
            ):  # fmt: skip
                answer = await w.asking["operator"].post(f"{LD}/{path}", json=body)
                assert answer.status_code == 403, answer.text
                assert answer.json()["detail"] == f"You may not create {words} here"
                own = {**body, "id": f"urn:x:own:{path}"}
                assert (await w.asking["operator"].post(f"{LD}/{path}", json=own)).status_code == 201
                assert (await w.asking["operator"].post(f"{LD}/{path}", json=own)).status_code == 409
            free = {"id": "urn:x:free", "type": "Nobody'sKind"}
            for path in ("entities", "temporal/entities"):
                told = []
                for name in ("urn:x:free", "urn:x:secret:0"):
                    answer = await w.asking["operator"].post(f"{LD}/{path}", json={**free, "id": name, "type": "NobodysKind", **({"a": [{"type": "Property", "value": 1, "observedAt": "2026-11-20T06:00:00Z"}]} if path != "entities" else {})})  # fmt: skip
                    told.append((answer.status_code, answer.text.replace(name, "ID")))
                assert told[0] == told[1]
                assert told[0][0] == 403

    run(work)


def test_sources_are_named_to_those_only_who_may_list_them(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            source = {
                "id": "urn:x:reg:partner-hospital",
                "type": "ContextSourceRegistration",
                "endpoint": "http://203.0.113.9",
            }
            await w.do(
                "POST",
                f"{LD}/csourceRegistrations",
                {**source, "information": [{"entities": [{"type": OPEN}]}]},
            )
            lone = {**source, "id": "urn:x:reg:sole-partner", "mode": "exclusive"}
            lone["information"] = [
                {"entities": [{"id": "urn:x:theirs", "type": OPEN}], "propertyNames": ["level"]}
            ]
            await w.do("POST", f"{LD}/csourceRegistrations", lone)
            for name, known in (("public", False), ("operator", True), ("tenant", False)):
                for method, path, body in (
                    ("GET", f"{LD}/entities?type={OPEN}", None),
                    ("GET", f"{LD}/entities/urn:x:theirs", None),
                    ("GET", f"{LD}/types", None),
                    (
                        "PATCH",
                        f"{LD}/entities/urn:x:theirs/attrs",
                        {"level": {"type": "Property", "value": 1}},
                    ),
                ):
                    answer = await w.asking[name].request(method, path, json=body)
                    text = f"{answer.headers} {answer.text}"
                    if not known:
                        assert "partner" not in text, (name, path, text)
                        assert "203.0.113.9" not in text
                if known:
                    answer = await w.asking[name].get(f"{LD}/entities?type={OPEN}")
                    assert "urn:x:reg:partner-hospital" in answer.headers["ngsild-warning"]
            warned = (await w.asking["public"].get(f"{LD}/entities?type={OPEN}")).headers["ngsild-warning"]
            assert "urn:ngsi-ld:ContextSource:" in warned
            assert (
                warned
                == (await w.asking["public"].get(f"{LD}/entities?type={OPEN}")).headers["ngsild-warning"]
            )

    run(work)


async def _listed(w: World, name: str) -> list[dict[str, Any]]:
    client = w.admin if name == "admin" else w.asking[name]
    found: list[dict[str, Any]] = (await client.get(f"{LD}/jsonldContexts?details=true")).json()
    return found


def test_contexts_are_listed_to_those_they_belong_to(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            made = await w.do("POST", f"{LD}/jsonldContexts", {"@context": {"x": "https://a.example/x"}})
            place = made.headers["location"]
            url = "https://user:pass@ctx.example/internal?apikey=SECRETKEY#part"
            w.app.get(ContextStore)._kept.keep(
                Entry("cached1", url, "Cached", 1, orjson.dumps({"@context": {}}))
            )
            own = await w.asking["operator"].post(
                f"{LD}/jsonldContexts", json={"@context": {"y": "https://a.example/y"}}
            )
            bundled = await _listed(w, "public")
            assert {one["kind"] for one in bundled} == {"Cached"}
            assert not any("numberOfHits" in one or "ctx.example" in one["URL"] for one in bundled)
            mine = await _listed(w, "operator")
            assert [one["localId"] for one in mine if one["kind"] == "Hosted"] == [
                own.headers["location"].rsplit("/", 1)[1]
            ]
            assert [one["numberOfHits"] for one in mine if one["kind"] == "Hosted"] == [0]
            every = await _listed(w, "admin")
            assert len(every) == len(bundled) + 3
            assert "https://ctx.example/internal" in {one["URL"] for one in every}
            assert not any("SECRETKEY" in one["URL"] or "pass" in one["URL"] for one in every)
            for name in ("public", "operator", "tenant"):
                for asked in (
                    "cached1",
                    "https%3A%2F%2Fuser%3Apass%40ctx.example%2Finternal%3Fapikey%3DSECRETKEY%23part",
                ):
                    answer = await w.asking[name].get(f"{LD}/jsonldContexts/{asked}")
                    assert answer.status_code == 404, answer.text
            # By its id, which cannot be guessed, a hosted one is there for all of its tenant; how it is used is not.
            assert (await w.asking["public"].get(place)).json() == {"@context": {"x": "https://a.example/x"}}
            assert "numberOfHits" not in (await w.asking["public"].get(f"{place}?details=true")).json()
            assert (await w.asking["tenant"].get(place)).status_code == 404

    run(work)


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://u:p@h.example:8/a/b?key=1#x", "https://h.example:8/a/b"),
        ("https://h.example?key=1", "https://h.example"),
        ("https://a@b@h.example/x@y", "https://h.example/x@y"),
        ("/ngsi-ld/v1/jsonldContexts/1?x=2", "/ngsi-ld/v1/jsonldContexts/1"),
        ("nonsense?x", "nonsense"),
    ],
)
def test_a_bare_url_has_no_keys(url: str, bare: str) -> None:
    assert bare_url(url) == bare


class _Keeper:
    """Writes everything, and does not see ``secret`` on what is not within /open."""

    key = "keeper"

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Any, scopes: Any) -> bool:
        return True

    def hidden_attrs(self, types: Any, scopes: Any) -> frozenset[str]:
        return frozenset() if "/open" in scopes else frozenset({iri("secret")})

    def may_write(self, types: Any, scopes: Any, attrs: Any) -> bool:
        return self.hidden_attrs(types, scopes).isdisjoint(attrs)


def test_writes_over_what_their_author_does_not_see_answer_alike(tmp_path: Path) -> None:
    """A replacement keeps it; deletions and ways into the open are refused whether it is there or not."""

    async def work() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        root = system_actor("test")
        keeper = Actor(Principal("user:k", "k", frozenset({"analyst"})), _Keeper())
        for name, secret in (("urn:x:with", {"secret": prop("s")}), ("urn:x:without", {})):
            await broker.write(
                [WriteOp(OpKind.CREATE, name, entity(name, "Thing", ["/shut"], level=prop(1), **secret))],
                root,
            )
        for name in ("urn:x:with", "urn:x:without"):
            for kind in (OpKind.REPLACE, OpKind.UPSERT_REPLACE):
                (done,) = await broker.write(
                    [WriteOp(kind, name, entity(name, "Thing", ["/shut"], size=prop(2)))], keeper
                )
                assert done.error is None
                assert broker.get(name, keeper.access)["attrs"].keys() == {iri("size")}
            for op in (
                WriteOp(OpKind.DELETE, name),
                WriteOp(OpKind.APPEND, name, {"scope": ["/open"]}),
                WriteOp(OpKind.REPLACE, name, entity(name, "Thing", ["/open"], size=prop(2))),
                WriteOp(OpKind.UPDATE, name, {"attrs": {iri("secret"): [prop("mine")]}}),
            ):
                (done,) = await broker.write([op], keeper)
                assert isinstance(done.error, Forbidden), (name, op.kind)
            (done,) = await broker.write(
                [WriteOp(OpKind.UPDATE, name, {"attrs": {iri("size"): [prop(3)]}})], keeper
            )
            assert done.error is None
        assert value(broker.get("urn:x:with", FULL_ACCESS), "secret") == "s"
        await broker.close()

    run(work)
