"""What 1,000 rules cost per update (MISSION, DESIGN: naive 61 µs, indexed 2.8 µs), and what an unwatched one does."""

from __future__ import annotations

import gc
import random
import time

from andaman.broker.entity.build import iri
from andaman.broker.model import LOCATION, Change, Event, EventKind, Instance
from andaman.command.signals.definition import Rule, read_rule
from andaman.command.signals.engine import RuleEngine
from andaman.kernel.time import SECOND, format_time
from bench.common import Row, row

TYPES = [f"Sensor{i}" for i in range(20)]
ATTRS = [f"attr{i}" for i in range(10)]
START = 1_800_000_000 * SECOND
CHUNK = 500


def rules(rng: random.Random, count: int) -> list[Rule]:
    """Seven tenths single thresholds, the rest combinations, durations, rates, areas and silence."""
    out = []
    for i in range(count):
        attr = rng.choice(ATTRS)
        plain = {"attr": attr, "op": rng.choice([">", ">="]), "value": rng.uniform(95, 110)}
        kind = i % 10
        when: dict[str, object] = plain
        if kind == 7:
            when = {"all": [plain, {"attr": rng.choice(ATTRS), "op": "<", "value": 30}]}
        elif kind == 8:
            when = {"attr": attr, "op": ">", "value": 60, "per": "PT1H"}
        elif kind == 9:
            x, y = rng.uniform(98.2, 98.45), rng.uniform(7.7, 8.2)
            ring = [[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]
            inside = {"inside": {"type": "Polygon", "coordinates": [ring]}}
            when = inside if i % 20 == 9 else {"attr": attr, "silent": "PT1H"}
        raw: dict[str, object] = {"select": {"type": rng.choice(TYPES)}, "when": when, "severity": "Minor"}
        if i % 5 == 0:
            raw["for"] = "PT5M"
        out.append(read_rule(f"urn:ngsi-ld:AlertRule:{i}", raw))
    return out


def updates(rng: random.Random, start: int, count: int, entities: int, types: list[str]) -> list[Event]:
    """``count`` updates of one attribute each (every tenth a position) from number ``start`` on, 200 a second of city
    time; values as sensors give them: seldom beyond a threshold."""
    iris = [(iri(t),) for t in types]
    attrs = [iri(a) for a in ATTRS]
    out = []
    for seq in range(start, start + count):
        number = rng.randrange(entities)
        at = START + seq * SECOND // 200
        instance: Instance = {"type": "Property", "observedAt": format_time(at)}
        if seq % 10 == 0:
            attr = LOCATION
            point = [rng.uniform(98.2, 98.45), rng.uniform(7.7, 8.2)]
            instance |= {"type": "GeoProperty", "value": {"type": "Point", "coordinates": point}}
        else:
            attr = attrs[(number * 7 + seq) % len(attrs)]
            instance["value"] = rng.gauss(60, 10)
        change = Change(attr, None, [instance])
        out.append(
            Event(
                seq + 1, "", at, "bench", EventKind.UPDATED, f"urn:ngsi-ld:Sensor:{number}",
                iris[number % len(iris)], (), [change], {"attrs": {}},
            )
        )  # fmt: skip
    return out


def measure(
    engine: RuleEngine, rng: random.Random, start: int, count: int, types: list[str]
) -> tuple[float, int]:
    """µs of CPU per update, and signals given. Events are made just before they are fed, as they come from a commit,
    so that what is measured is the engine and not the memory in which a benchmark keeps its input."""
    spent, signals = 0.0, 0
    for part in range(start, start + count, CHUNK):
        events = updates(rng, part, CHUNK, 10_000, types)
        began = time.process_time()
        for event in events:
            signals += len(engine.observe(event))
        spent += time.process_time() - began
    return spent * 1e6 / count, signals


def run(quick: bool) -> list[Row]:
    rng = random.Random(7)
    count = 40_000 if quick else 200_000
    engine = RuleEngine()
    for rule in rules(rng, 1000):
        engine.set_rule(rule, START)
    measure(engine, rng, 0, count, TYPES)
    gc.collect()
    gc.freeze()  # as the broker does with what lives long
    watched, signals = measure(engine, rng, count, count, TYPES)
    unwatched, _ = measure(engine, rng, 2 * count, count, [f"Other{i}" for i in range(20)])
    gc.unfreeze()
    return [
        row("rules: one update, 1,000 rules, 10,000 entities", watched, "µs", "< 4"),
        row("rules: one update of a type that no rule selects", unwatched, "µs", "< 1"),
        row("rules: signals in that run", signals, "signals"),
    ]
