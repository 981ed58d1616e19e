"""Law: whenever the platform is killed, the alerts are those that the journal calls for: none lost, none doubled, every
number right.

The judge is a bare engine that reads the finished journal once, without a kill. A kill is put at every step that leaves
something behind: before and after each write of alerts, each mark, each part of replacing the state.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import entity, iri, prop, value
from andaman.broker.model import EventKind, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.command.desk import Desk
from andaman.command.signals.definition import Rule, read_rule
from andaman.command.signals.engine import RuleEngine
from andaman.command.signals.episode import Signal, SignalKind
from andaman.command.signals.keeping import FILE
from andaman.command.signals.rules import rule_doc
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Conflict, ResourceNotFound
from andaman.kernel.time import HOUR, SECOND, Micros, format_time
from tests.command.city import START, SYSTEM, HandClock, close_alert, put

RULES: dict[str, dict[str, Any]] = {
    "wet": {
        "select": {"type": "WeatherObserved"},
        "when": {"attr": "precipitation24h", "op": ">=", "value": 35.1},
        "clear": {"attr": "precipitation24h", "op": "<", "value": 30},
        "severity": {"attr": "precipitation24h", "bands": [[35.1, "Moderate"], [90.1, "Severe"]]},
        "damping": "PT1M",
    },
    "silent": {
        "select": {"type": "WeatherObserved"},
        "when": {"attr": "precipitation24h", "silent": "PT10M"},
        "severity": "Minor",
    },
    "warm": {  # a filter over another attribute, a duration, an expiry
        "select": {"type": "WeatherObserved", "q": 'status=="on"'},
        "when": {"attr": "temperature", "op": ">", "value": 30},
        "for": "PT1M",
        "expire": "PT20M",
        "severity": "Minor",
    },
}
LATER = {
    "select": {"type": "WeatherObserved"},
    "when": {"attr": "precipitation24h", "op": "<", "value": 33},
    "severity": "Minor",
}


class Killed(BaseException):
    """The process is gone."""


class Reaper:
    """Counts the steps that leave something behind and kills at one of them; nothing happens after that."""

    def __init__(self, die: Callable[[int], bool]) -> None:
        self._die, self.steps, self.dead = die, 0, False

    def step(self) -> None:
        if not self.dead:
            self.steps += 1
            self.dead = self._die(self.steps)
        if self.dead:
            raise Killed

    def around(self, watch: RuleWatch) -> None:
        """Stand beside all that the rules write."""
        broker, keeper = watch._broker, watch._keeper

        class Doomed:
            def __getattr__(_, name: str) -> Any:
                return getattr(broker, name)

            async def write(_, *args: Any) -> Any:
                self.step()
                result = await broker.write(*args)
                self.step()
                return result

        watch._broker = Doomed()  # type: ignore[assignment]
        for name in ("_append", "_replace"):
            setattr(keeper, name, self._guard(getattr(keeper, name)))

    def _guard(self, act: Callable[..., None]) -> Callable[..., None]:
        def guarded(*args: Any) -> None:
            self.step()
            act(*args)
            self.step()

        return guarded


class City:
    """A broker and its rules, killed and started again."""

    def __init__(self, directory: Path, reaper: Callable[[], Reaper]) -> None:
        self.directory, self._reaper = directory, reaper
        self.clock = HandClock(step=0)
        self.kills = self.steps = 0
        self.primed: dict[int, list[Any]] = {}  # journal position of a rule → the entities it found

    async def boot(self) -> None:
        self.broker = Broker.open(self.directory, clock=self.clock, history=False)
        await self.broker.start()
        self.desk = Desk(self.broker, self.clock)
        self.reaper = self._reaper()
        self.watch = RuleWatch(self.broker, self.desk.records, self.clock, self.directory / "command")
        self.reaper.around(self.watch)
        await self.do(self.watch.start)

    async def halt(self) -> None:
        """As SIGKILL leaves it: the rules keep nothing; the journal is read from disk the next time."""
        await self.watch._follower.stop()
        await self.watch._ticking.stop()
        self.watch._keeper.close()
        self.steps += self.reaper.steps
        await self.broker.close()

    async def do(self, act: Callable[[], Any]) -> None:
        """Let the rules do something; if that kills them, start again."""
        with contextlib.suppress(Killed):
            await act()
        if self.reaper.dead:
            self.kills += 1
            await self.halt()
            await self.boot()

    async def follow(self) -> None:
        """Until the rules have seen everything."""

        async def act() -> None:
            while self.watch._offset < self.broker.seq and not self.reaper.dead:  # noqa: ASYNC110 - until the watch's own
                await asyncio.sleep(0)

        await self.do(act)
        if self.watch._offset < self.broker.seq:
            await self.follow()

    async def round(self) -> None:
        async def act() -> None:
            async with self.watch._lock:
                await self.watch._round()

        await self.do(act)

    async def save(self) -> None:
        async def act() -> None:
            async with self.watch._lock:
                await self.watch._save()

        await self.do(act)

    async def change_rule(self, name: str, definition: dict[str, Any]) -> None:
        """When all is quiet, so that the judge knows what the rule finds."""
        await self.follow()
        docs = list(self.broker.iter_entities([iri("WeatherObserved")], FULL_ACCESS))
        await put(self.broker, rule_doc(f"urn:ngsi-ld:AlertRule:{name}", {"en": name}, definition, True))
        self.primed[self.broker.seq] = docs
        await self.follow()


def observation(dice: random.Random, gauge: int, at: Micros) -> Any:
    attrs = {"precipitation24h": prop(dice.choice([5, 32, 40, 95]), at)}
    if dice.random() < 0.6:
        attrs["temperature"] = prop(dice.choice([20, 31, 33]), at)
    if dice.random() < 0.4:
        attrs["status"] = prop(dice.choice(["on", "off"]))
    return entity(f"urn:ngsi-ld:WeatherObserved:{gauge}", "WeatherObserved", **attrs)


async def play(city: City, seed: int, rounds: int) -> None:
    """The same doings for the same seed. What the kills change is only the µs of commits, which the journal tells."""
    dice = random.Random(seed)
    broker = Broker.open(city.directory, clock=city.clock, history=False)
    await broker.start()
    await put(broker, *(rule_doc(f"urn:ngsi-ld:AlertRule:{k}", {"en": k}, v, True) for k, v in RULES.items()))
    city.begin = broker.seq  # type: ignore[attr-defined]
    await broker.close()
    await city.boot()
    for n in range(rounds):
        city.clock.now += dice.choice([1, 20, 90, 700]) * SECOND
        if dice.random() < 0.5:
            await city.round()
        docs = [observation(dice, g, city.clock.now) for g in dice.sample(range(4), 2)]
        await put(city.broker, *docs)
        if dice.random() < 0.1:
            await city.broker.write([WriteOp(OpKind.DELETE, docs[0]["id"])], SYSTEM)
        if n == rounds // 2:
            await city.change_rule("later", LATER)
        if dice.random() < 0.5:
            await city.follow()
        if dice.random() < 0.2:
            await city.save()
        if dice.random() < 0.2:
            await close_one(city, dice)
    await city.follow()
    city.clock.now += HOUR
    kills = -1
    while kills < city.kills:  # until one round of deadlines went well
        kills = city.kills
        await city.follow()
        await city.round()
    await city.follow()


async def close_one(city: City, dice: random.Random) -> None:
    docs = sorted(city.broker.iter_entities([iri("Alert")], FULL_ACCESS), key=lambda d: str(d["id"]))
    still = [d["id"] for d in docs if value(d, "alertStatus") != "closed"]
    if still:
        with contextlib.suppress(Conflict, ResourceNotFound):
            await close_alert(city.desk, dice.choice(still))


async def judge(city: City) -> dict[str, Signal]:
    """Alert id → its last signal, by an engine that was never killed."""

    def rule(name: str, definition: dict[str, Any]) -> Rule:
        return read_rule(f"urn:ngsi-ld:AlertRule:{name}", definition, {"en": name})

    engine, said = RuleEngine(key=city.broker.position_key), list[Signal]()
    for name, definition in RULES.items():
        engine.set_rule(rule(name, definition), START)
    for event in await city.broker.read_events(city.begin):  # type: ignore[attr-defined]
        if event.seq in city.primed:
            said += engine.tick(event.at)
            engine.set_rule(rule("later", LATER), event.at)
            said += engine.refresh(event.at)
            said += engine.prime(city.primed[event.seq], event.at)
        elif iri("Alert") in event.types and event.kind is EventKind.UPDATED:
            status = [c.after[0]["value"] for c in event.changes if c.attr == iri("alertStatus") and c.after]
            if status == ["closed"]:
                said += engine.tick(event.at)
                engine.closed(event.entity_id)
        said += engine.observe(event)
    said += engine.tick(city.clock.now - SECOND)
    return {signal.alert_id: signal for signal in said}


async def compare(city: City) -> int:
    """The alerts in the broker against the judge's. Of one that a person closed only that it is there: what was said
    between is not written into it any more."""
    expected = await judge(city)
    found = alerts(city)
    assert found.keys() == expected.keys()
    for alert_id, signal in expected.items():
        doc = found[alert_id]
        if value(doc, "alertStatus") == "closed":
            continue
        seen = {
            key: value(doc, key) for key in ("signalStep", "occurrences", "severity", "lastSeen", "onset")
        }
        assert seen == {
            "signalStep": signal.step,
            "occurrences": signal.occurrences,
            "severity": signal.severity,
            "lastSeen": format_time(signal.last_seen),
            "onset": format_time(signal.onset),
        }, alert_id
        assert (value(doc, "alertStatus") == "cleared") is (signal.kind is SignalKind.CLEARED)
    return len(found)


def killed_at_each_step(directory: Path, story: Callable[[City], Any]) -> int:
    """The story with a kill at its first step, then at its second, … until it ends unharmed. Returns how many."""

    async def run(at: int) -> int:
        armed = [at]

        def die(_: int) -> bool:
            armed[0] -= 1
            return armed[0] == 0

        city = City(directory / str(at), lambda: Reaper(die))
        await story(city)
        await city.halt()
        return city.kills

    at = 1
    while asyncio.run(run(at)):
        at += 1
    return at - 1


def rain(gauge: int, mm: float, at: Micros) -> Any:
    name = f"urn:ngsi-ld:WeatherObserved:{gauge}"
    return entity(name, "WeatherObserved", precipitation24h=prop(mm, at))


def alerts(city: City) -> dict[str, Any]:
    return {d["id"]: d for d in city.broker.iter_entities([iri("Alert")], FULL_ACCESS)}


@pytest.fixture
def always_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The city's clock leaps; that is no time in which the platform was down."""
    monkeypatch.setattr("andaman.command.signals.watch.DOWN", 1000 * HOUR)


@pytest.mark.usefixtures("always_up")
@pytest.mark.parametrize("seed", range(int(os.environ.get("ANDAMAN_KILL_SEEDS", "6"))))
def test_kill_at_any_point_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Many kills in a long stream, by chance at any step."""
    dice = random.Random(seed + 1000)

    async def run() -> None:
        city = City(tmp_path, lambda: Reaper(lambda _: dice.random() < 0.06))
        await play(city, seed, 40)
        assert await compare(city) > 4
        assert city.kills > 2
        await city.halt()
        if "ANDAMAN_KILL_SEEDS" in os.environ:
            print(f"seed {seed}: {city.kills} kills, {city.steps} steps")

    asyncio.run(run())


@pytest.mark.usefixtures("always_up")
def test_one_kill_at_each_step(tmp_path: Path) -> None:
    """A short stream, again and again, killed at its first step, its second, … until it has run to its end unharmed."""

    async def story(city: City) -> None:
        await play(city, 3, 8)
        assert await compare(city) > 2

    assert killed_at_each_step(tmp_path, story) > 20


@pytest.mark.usefixtures("always_up")
def test_a_deadline_that_fired_ahead_of_the_journal_stands(tmp_path: Path) -> None:
    """The clock fires a silence; then a row comes that was committed with an earlier time (a slow disk, a clock set back).
    A replay must not turn the two round: an alert that was raised is cleared by that row, whenever the kill was."""
    raised = []

    async def story(city: City) -> None:
        await play(city, 0, 0)
        start = city.clock.now
        await put(city.broker, rain(0, 33, start))
        await city.follow()
        city.clock.now = start + 500 * SECOND
        city.watch._clock = lambda: start + 700 * SECOND
        await city.round()
        await put(city.broker, rain(0, 32, start + 500 * SECOND))
        await city.follow()
        steps = [(value(d, "alertStatus"), value(d, "signalStep")) for d in alerts(city).values()]
        assert steps in ([], [("cleared", 2)])
        raised.append(len(steps))

    killed_at_each_step(tmp_path, story)
    assert set(raised) == {0, 1}


def test_silence_while_the_platform_was_down_is_nobodys(tmp_path: Path) -> None:
    """The gap before a start is not counted, also not by the lives that come after the next kill."""

    async def story(city: City) -> None:
        await play(city, 0, 0)
        start = city.clock.now
        await put(city.broker, rain(0, 33, start))
        await city.follow()
        await city.halt()
        city.clock.now = back = start + HOUR
        await city.boot()
        await put(city.broker, rain(1, 33, back))
        await city.follow()
        assert alerts(city) == {}
        await city.halt()
        city.clock.now = back + 30 * SECOND
        await city.boot()
        await city.follow()
        for _ in range(2):
            await city.round()
        assert alerts(city) == {}
        for later in range(100, 601, 100):
            city.clock.now = back + later * SECOND
            await put(city.broker, rain(1, 33, city.clock.now))
        city.clock.now = back + 605 * SECOND
        await city.follow()
        for _ in range(2):
            await city.follow()
            await city.round()
        assert [value(d, "alertSource")[-1] for d in alerts(city).values()] == ["0"]

    assert killed_at_each_step(tmp_path, story) > 5


def test_a_state_that_cannot_be_used_is_no_end(tmp_path: Path) -> None:
    """Damaged, cut off or older: the rules begin with the city as it is and take over the alerts that stand open. What is
    over by then is cleared, also where the rule or the source is gone; nothing is raised twice."""

    async def run() -> None:
        city = City(tmp_path, lambda: Reaper(lambda _: False))
        await play(city, 1, 0)
        at = city.clock.now
        await city.follow()
        city.clock.now = at = at + HOUR
        await put(city.broker, *(rain(gauge, 40, at) for gauge in range(4)))
        await city.follow()
        before = {
            d["id"]: value(d, "alertSource") for d in city.broker.iter_entities([iri("Alert")], FULL_ACCESS)
        }
        assert len(before) == 4
        for damage in (
            "UPDATE state SET rows=9",
            "UPDATE block SET lines=x'ff'",
            "UPDATE state SET version=1",
        ):
            await city.halt()
            db = sqlite3.connect(tmp_path / "command" / FILE)
            assert db.execute(damage).rowcount > 0
            db.commit()
            db.close()
            if "lines" in damage:  # while the rules are down: one is over, one worse, one source gone
                broker = Broker.open(tmp_path, clock=city.clock, history=False)
                await broker.start()
                city.clock.now = at = at + 5 * SECOND
                await put(broker, rain(0, 5, at), rain(1, 95, at))
                await broker.write([WriteOp(OpKind.DELETE, "urn:ngsi-ld:WeatherObserved:2")], SYSTEM)
                await broker.close()
            await city.boot()
            await city.follow()
        found = alerts(city)
        assert found.keys() == before.keys()
        status = {before[i][-1]: (value(d, "alertStatus"), value(d, "severity")) for i, d in found.items()}
        assert status == {
            "0": ("cleared", "Moderate"),
            "1": ("open", "Severe"),
            "2": ("cleared", "Moderate"),
            "3": ("open", "Moderate"),
        }
        await city.halt()

    asyncio.run(run())
