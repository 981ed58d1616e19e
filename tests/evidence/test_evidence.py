"""Laws of the basis of a figure: complete for those who may see, as if the rest were not there for all others, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from andaman.app import App
from andaman.broker.entity.build import entity, iri, lang, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.catalogue.model import Dataset, to_entity
from andaman.evidence.model import Basis, Constant, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.evidence.service import Evidence
from andaman.identity.model import Actor, Classification, system_actor
from andaman.kernel.time import format_time, parse_time
from andaman.kernel.words import Words
from tests.support import client, platform, run

GAUGE = "RainGaugeOfTests"
TITLE = Words("ฝนเฉลี่ย", "Mean rain")


def gauge(number: int, **more: Any) -> dict[str, Any]:
    return entity(
        f"urn:x:gauge:{number}",
        GAUGE,
        ["/test"],
        name=lang(th=f"สถานี {number}", en=f"Gauge {number}"),
        rain=prop(number, parse_time("2026-11-20T07:00:00Z"), "MMT"),
        keeper=prop(f"keeper {number}"),
        origin=prop("measured"),
        source=prop("Thai Meteorological Department"),
        **more,
    )


async def write(app: App, *docs: dict[str, Any]) -> None:
    await app.broker.must_write(
        [WriteOp(OpKind.CREATE, doc["id"], doc) for doc in docs], system_actor("test")
    )


@asynccontextmanager
async def gauges(directory: Path, **hidden: Classification) -> AsyncIterator[App]:
    """A platform with gauges 0 to 4, which all may see, and gauge 9, an official secret of another agency."""
    async with platform(directory, public_queries_per_minute=0) as app:
        for code, level, scope in (
            ("rain", Classification.PUBLIC, "/test"),
            ("navy", Classification.OFFICIAL_SECRET, "/test/navy"),
        ):
            made = Dataset(
                code,
                {"th": "ฝน", "en": "Rain"},
                {},
                "pk-navy",
                "CC-BY-4.0",
                level,
                frozenset({iri(GAUGE)}),
                scope,
                hidden={iri(name): its for name, its in hidden.items()},
            )
            await write(app, to_entity(made))
        await write(app, *(gauge(number) for number in range(5)))
        await write(app, {**gauge(9), "scope": ["/test/navy"]})
        yield app


def path(kind: str, key: str, **query: Any) -> str:
    asked = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
    return f"/api/evidence/{kind}/{quote(key, safe='')}?{asked}"


async def get(http: httpx.AsyncClient, kind: str, key: str, **query: Any) -> dict[str, Any]:
    answer = await http.get(path(kind, key, **query))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_count_leads_to_what_it_counted(tmp_path: Path) -> None:
    async def work() -> None:
        async with gauges(tmp_path) as app, client(app) as public:
            key = f"type={GAUGE}&q={quote('rain>=2')}&attribute=rain"
            found = await get(public, "entities", key)
            assert (found["value"], found["total"]) == (3, 3)
            assert [row["value"] for row in found["entities"]] == [2, 3, 4]
            row = found["entities"][0]
            assert row["name"] == {"th": "สถานี 2", "en": "Gauge 2"}
            assert row["time"] == "2026-11-20T07:00:00.000000Z"
            assert row["dataset"] == {"code": "rain", "title": {"th": "ฝน", "en": "Rain"}}
            assert (row["unit"], row["origin"], row["licence"]) == ("MMT", "measured", "CC-BY-4.0")
            assert row["source"] == "Thai Meteorological Department"
            second = await get(public, "entities", key, offset=1, limit=1)
            assert (second["value"], second["total"]) == (3, 3), "a page does not change the count"
            assert [row["value"] for row in second["entities"]] == [3]

    run(work)


def test_a_value_leads_to_its_entity_and_to_nothing_hidden(tmp_path: Path) -> None:
    async def work() -> None:
        hidden = Classification.OFFICIAL_SECRET
        async with (
            gauges(tmp_path, keeper=hidden) as app,
            client(app) as public,
            client(app, "administrator") as boss,
        ):
            found = await get(public, "attribute", "urn:x:gauge:3~rain")
            assert (found["value"], found["unit"]["en"]) == (3, "mm")
            assert found["details"][0]["value"] == "2026-11-20T07:00:00.000000Z"
            assert [row["id"] for row in found["entities"]] == ["urn:x:gauge:3"]
            for key in (
                "urn:x:gauge:3~keeper",
                "urn:x:gauge:9~rain",
                "urn:x:none~rain",
                "urn:x:gauge:3~none",
                "nonsense",
            ):
                answer = await public.get(path("attribute", key))
                assert (answer.status_code, answer.json()["code"]) == (404, "no-such-figure"), key
            assert (await get(boss, "attribute", "urn:x:gauge:3~keeper"))["value"] == "keeper 3"

    run(work)


def test_a_figure_of_a_room_lists_what_its_reader_may_see(tmp_path: Path) -> None:
    """What the figure used is shown in place of the present value, and never where the attribute is hidden."""

    async def mean(key: str, actor: Actor) -> Basis:
        if key != "mean":
            raise NoSuchFigure
        return Basis(
            title=TITLE,
            value=2.5,
            constants=(Constant(name=TITLE, value=1.2, source=Words("ตำรา", "Textbook")),),
            parts=(Link(title=TITLE, kind="entities", key=f"type={GAUGE}", value=5),),
            entities=(
                EntityRef(id="urn:x:gauge:1", attribute="rain", value=7, note=Words("เมื่อวาน", "yesterday")),
                EntityRef(id="urn:x:gauge:2", attribute="keeper", value="somebody"),
                EntityRef(id="urn:x:gauge:9", attribute="rain", value=99),
                EntityRef(id="urn:x:gone", attribute="rain", value=3),
                EntityRef(id="urn:x:gauge:4"),
            ),
        )

    async def work() -> None:
        async with (
            gauges(tmp_path, keeper=Classification.OFFICIAL_SECRET) as app,
            client(app) as public,
            client(app, "administrator") as boss,
        ):
            evidence = app.get(Evidence)
            evidence.register("rain", mean)
            with pytest.raises(LookupError):
                evidence.register("rain", mean)
            with pytest.raises(LookupError):
                evidence.register("entities", mean)
            found = await get(public, "rain", "mean")
            rows = {row["id"][-7:]: row["value"] for row in found["entities"]}
            assert rows == {"gauge:1": 7, "gauge:2": None, "gauge:4": None}
            assert found["total"] == 3, "what is hidden is not even counted"
            assert found["constants"][0]["source"]["en"] == "Textbook"
            assert found["parts"][0]["key"] == f"type={GAUGE}"
            whole = await get(boss, "rain", "mean", offset=1, limit=2)
            assert [row["value"] for row in whole["entities"]] == ["somebody", 99]
            assert whole["total"] == 4
            assert (await public.get(path("rain", "median"))).json()["code"] == "no-such-figure"
            assert (await public.get(path("snow", "mean"))).json()["code"] == "no-such-figure"
            answer = await public.get(path("rain", "mean", at="2026-11-20T07:00:00Z"))
            assert answer.json()["code"] == "figure-not-of-the-past"

    run(work)


def test_the_past_shows_what_was_known_then(tmp_path: Path) -> None:
    async def work() -> None:
        async with gauges(tmp_path) as app, client(app) as public:
            before = app.broker.last_commit
            await write(app, gauge(6))
            ops = [
                WriteOp(
                    OpKind.MERGE,
                    "urn:x:gauge:1",
                    {"id": "urn:x:gauge:1", "attrs": {iri("rain"): [prop(50)]}},
                )
            ]
            await app.broker.must_write(ops, system_actor("test"))
            then = format_time(before)
            assert (await get(public, "entities", f"type={GAUGE}"))["value"] == 6
            assert (await get(public, "entities", f"type={GAUGE}", at=then))["value"] == 5
            assert (await get(public, "attribute", "urn:x:gauge:1~rain"))["value"] == 50
            assert (await get(public, "attribute", "urn:x:gauge:1~rain", at=then))["value"] == 1
            assert (await public.get(path("attribute", "urn:x:gauge:6~rain", at=then))).status_code == 404

    run(work)


@pytest.mark.parametrize(
    "key",
    [
        "q=rain>1",
        "type=",
        "type=A&type=B",
        "type=A&limit=5",
        "type=A&q=((",
        "type=A&q=x{B}.y==1",
        "type=A&bbox=1,2,3",
        "type=A&bbox=98,7,nan,8",
        "type=A&bbox=98,7,98,7",
        "id=nonsense",
        "plain",
        "id=" + ",".join(f"urn:x:{n}" for n in range(101)),
    ],
)
def test_a_condition_that_is_not_clear_is_refused(tmp_path: Path, key: str) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as public:
            answer = await public.get(path("entities", key))
            assert (answer.status_code, answer.json()["code"]) == (400, "figure-query-unclear"), answer.text

    run(work)


def test_a_condition_is_said_in_words(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as public:
            q = 'alertStatus!="closed","cleared";(severity=="Extreme"|occurrences>=3);!refIncident'
            found = await get(public, "entities", f"type=Alert&q={quote(q)}&bbox=98,7,99,8")
            assert [row["value"] for row in found["details"]] == [
                {
                    "th": "สถานะการแจ้งเตือน ไม่ใช่ ปิดแล้ว หรือ กลับสู่ปกติ และ (ความรุนแรง เป็น วิกฤต หรือ จำนวนครั้ง ไม่น้อยกว่า 3)"
                    " และ ไม่มีข้อมูลเหตุ",
                    "en": "Alert state is not Closed or Cleared and (Severity is Extreme or Occurrences is at least 3)"
                    " and Incident is unknown",
                },
                "98,7,99,8",
            ]

    run(work)


def test_keys_pages_and_time_are_bounded(tmp_path: Path) -> None:
    async def forever(key: str, actor: Actor) -> Basis:
        await asyncio.sleep(60)
        raise AssertionError

    async def work() -> None:
        async with gauges(tmp_path) as app, client(app) as public:
            evidence = app.get(Evidence)
            evidence.register("slow", forever)
            evidence._budget_s = 0.05
            assert (await public.get(path("slow", "x"))).json()["code"] == "figure-took-too-long"
            evidence._budget_s = 10
            for key in ("x" * 1_001, "a\x00b", "a\nb"):
                assert (await public.get(path("attribute", key))).status_code == 404
            for query in ({"limit": 1_001}, {"limit": 0}, {"offset": -1}, {"other": 1}):
                assert (await public.get(path("entities", f"type={GAUGE}", **query))).status_code == 400
            assert (await get(public, "entities", f"type={GAUGE}"))["limit"] == 100

    run(work)


def test_quality_of_a_dataset_leads_to_its_records(tmp_path: Path) -> None:
    async def work() -> None:
        async with gauges(tmp_path) as app, client(app) as public:
            row = next(
                one for one in (await public.get("/api/catalogue/datasets")).json() if one["code"] == "rain"
            )
            found = await get(public, "dataset", "rain~records")
            assert found["value"] == found["total"] == row["quality"]["records"] == 5
            assert (await get(public, "dataset", "rain~completeness"))["value"] is None, "nothing is required"
            for key in ("rain~beauty", "navy~records", "none~records", "rain"):
                assert (await public.get(path("dataset", key))).json()["code"] == "no-such-figure", key

    run(work)


def test_every_dataset_lists_as_many_records_as_it_counts(tmp_path: Path) -> None:
    """The selector as a query and the catalogue's own count are one."""

    async def work() -> None:
        async with gauges(tmp_path) as app, client(app, "administrator") as boss:
            for row in (await boss.get("/api/catalogue/datasets")).json():
                found = await get(boss, "dataset", f"{row['code']}~records")
                assert found["total"] == row["quality"]["records"], row["code"]
                share = row["quality"]["completeness"]["value"]
                found = await get(boss, "dataset", f"{row['code']}~completeness")
                assert (found["value"] is None) == (share is None)

    run(work)
