"""The differential law: every door gives the same answers to the same questions before and after hidden things are written,
byte for byte: status, headers, body. Only the number of the request itself differs.

The clock stands still where the platform is asked, at the same moment before and after; what is hidden is written between,
with times of its own. ``ANDAMAN_QUESTIONS`` questions per door (200), made by ``ANDAMAN_SEED`` (1).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from andaman.app import App
from andaman.doors.live.hub import Hub
from andaman.evidence.service import Evidence
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.identity.web import ACTOR
from andaman.kernel.time import SECOND
from tests.doors.live.conftest import Client
from tests.identity.hidden_world import (
    ASKED,
    OPEN,
    SECRET,
    STRANGE,
    T0,
    World,
    hidden_things,
    world,
)
from tests.identity.questions import Question, questions
from tests.support import run

QUESTIONS: Final = int(os.environ.get("ANDAMAN_QUESTIONS", "200"))
SEED: Final = int(os.environ.get("ANDAMAN_SEED", "1"))

_OWN: Final = ("date", "x-request-id", "server", "server-timing", "ngsild-results-count-took")


def _said(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = sorted((key, value) for key, value in answer.headers.items() if key not in _OWN)
    body = answer.content
    number = answer.headers.get("x-request-id", "")
    return answer.status_code, headers, body.replace(number.encode(), b"") if number else body


async def ask(w: World, asked: list[Question]) -> list[tuple[int, list[tuple[str, str]], bytes]]:
    w.clock[0] = ASKED
    found = []
    for who, method, path, body, headers in asked:
        content = None if body is None else orjson.dumps(body)
        answer = await w.asking[who].request(method, path, content=content, headers=headers)
        assert answer.status_code != 500, (who, method, path, answer.text)
        if method != "GET" and "/query" not in path and "entities?type=" not in path:
            assert answer.status_code >= 207, (
                who,
                method,
                path,
                body,
                answer.status_code,
            )  # it must not have changed anything
        found.append(_said(answer))
    return found


class _Watcher:
    """A live socket of one principal: what it was told since it had its state."""

    def __init__(self, w: World, actor: Actor) -> None:
        self.client = Client(w.app.get(Hub), actor)
        self.told: list[dict[str, Any]] = []
        fold = self.client._take

        async def take(message: dict[str, Any]) -> None:
            self.told.append(message)
            await fold(message)

        self.client.connection._send = take
        for name, types in (("all", []), ("open", [OPEN]), ("secret", [SECRET])):
            self.client.say(op="watch", id=name, types=types)
        self.client.say(op="watch", id="here", types=[], bbox=[98.3, 7.8, 98.33, 8])

    async def ready(self) -> None:
        await self.client.until(lambda: all(view.complete for view in self.client.views.values()), 30)


async def _actors(w: World) -> dict[str, Actor]:
    """Each principal as the gate lets it in."""
    found: dict[str, Actor] = {}
    kept = w.app.get(Hub)

    for name, http in w.asking.items():
        if name == "tenant":
            continue
        scope: dict[str, Any] = {}

        async def spy(own: Any, receive: Any, send: Any, scope: dict[str, Any] = scope) -> None:
            scope.update(own)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        gate = gate_of(w.app, spy)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(gate), base_url="http://127.0.0.1:8026", headers=dict(http.headers)
        ) as one:
            await one.get("/api/state?types=x")
        found[name] = scope[ACTOR]
    assert kept is w.app.get(Hub)
    return found


def gate_of(app: App, behind: Any) -> Any:
    """The gate of the platform before another application."""
    (around,) = [built.around for room, built in app._built if room.name == "identity"]
    assert around is not None
    return around(behind)


def test_every_door_answers_as_if_what_is_hidden_had_never_been_written(tmp_path: Path) -> None:
    async def work() -> None:
        async with world(tmp_path) as w:
            await w.settle()
            asked = questions(list(w.asking), QUESTIONS, SEED, w.app.get(Evidence).kinds)
            actors = await _actors(w)
            before = await ask(w, asked)
            watchers = {name: _Watcher(w, actor) for name, actor in actors.items()}
            for one in watchers.values():
                await one.ready()
            states = {
                name: [m for m in one.told if '"op":"state"' in m.get("text", "")]
                for name, one in watchers.items()
            }
            await w.settle()
            again = await ask(w, asked)
            _compare(asked, before, again, "the questions themselves change the answers")
            told = {
                name: len([m for m in one.told if '"op":"beat"' not in m.get("text", "")])
                for name, one in watchers.items()
            }
            w.clock[0] = T0 + 60 * SECOND
            await hidden_things(w)
            await w.settle()
            after = await ask(w, asked)
            _compare(asked, before, after, "hidden things show")
            for name, one in watchers.items():
                news = [m for m in one.told if '"op":"beat"' not in m.get("text", "")][told[name] :]
                assert news == [], (name, news)
                await one.client.leave()
            for name, actor in actors.items():
                fresh = _Watcher(w, actor)
                await fresh.ready()
                assert [m for m in fresh.told if '"op":"state"' in m.get("text", "")] == states[name], name
                await fresh.client.leave()
            assert all(
                w.app.broker.find(one, FULL_ACCESS) is not None for one in STRANGE
            )  # nobody's question changed them

    run(work)


def _compare(asked: list[Question], before: list[Any], after: list[Any], what: str) -> None:
    odd = [(q, b, a) for q, b, a in zip(asked, before, after, strict=True) if b != a]
    lines = [f"{q[:3]} {q[4]} {q[3]}\n{_difference(b, a)}" for q, b, a in odd[:25]]
    assert not odd, f"{what}: {len(odd)} of {len(asked)}\n" + "\n".join(lines)


def _difference(before: Any, after: Any) -> str:
    """Where two answers part."""
    if before[0] != after[0]:
        return f"   status {before[0]} {before[2][:300]!r}\n       -> {after[0]} {after[2][:300]!r}"
    heads = sorted(set(before[1]) ^ set(after[1]))
    one, two = before[2], after[2]
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return f"   headers {heads}\n   body {one[max(0, at - 150) : at + 150]!r}\n     -> {two[max(0, at - 150) : at + 150]!r}"
