"""The list of all incidents: closed ones stay findable, and the table opens in a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

from andaman.kernel.time import DAY, format_time
from tests.command.city import report
from tests.command.test_http import center

LIST = "/api/command/incidents"


def test_closed_incidents_stay_findable(tmp_path: Path) -> None:
    """By state, kind, period, words and number; the newest first; a page at a time."""

    async def run() -> None:
        async with center(tmp_path) as (by, _, clock):
            staff = by["dispatcher"]
            titles = ["ไฟไหม้ตลาด", "Crash at the pier", "น้ำท่วม"]
            made = []
            for title, kind in zip(titles, ("fire", "roadAccident", "roadAccident"), strict=True):
                body = report(name=title, incidentType=kind, address="ถนนเทพกระษัตรี")
                made.append((await staff.post(LIST, json=body)).json()["incident"])
                clock.now += DAY
            for step in ("triaged", "closed"):
                body = {"step": step, "outcome": "ดับแล้ว"}
                assert (await staff.post(f"{LIST}/{made[0]['id']}/steps", json=body)).status_code == 200

            async def found(**asked: str) -> list[int]:
                answer = await by["analyst"].get(LIST, params=asked)
                assert answer.status_code == 200, answer.text
                ids = [one["id"] for one in made]
                return [ids.index(one["id"]) for one in answer.json()["incidents"]]

            assert await found() == [2, 1, 0]
            assert await found(state="ended") == await found(state="closed") == [0]
            assert await found(state="open") == [2, 1]
            assert await found(kind="roadAccident") == [2, 1]
            assert await found(text="PIER crash") == [1]
            assert await found(text="ดับแล้ว") == [0]
            assert await found(text="เทพกระษัตรี") == [2, 1, 0]
            number = made[1]["a"]["incidentNumber"]
            assert await found(text=number.replace(" ", "")) == await found(text=number[-8:]) == [1]
            middle = clock.now - 2 * DAY - DAY // 2
            assert await found(**{"from": format_time(middle)}) == [2, 1]
            assert await found(to=format_time(middle)) == [0]
            page = (await staff.get(LIST, params={"limit": "1", "offset": "1"})).json()
            assert (page["total"], page["incidents"][0]["id"]) == (3, made[1]["id"])
            assert (await staff.get(LIST, params={"state": "lost"})).json()["code"] == "not-a-choice"
            assert (await by["public"].get(LIST)).status_code in (401, 403)

    asyncio.run(run())


def test_the_table_opens_in_a_spreadsheet(tmp_path: Path) -> None:
    """In the reader's language, with a mark that makes Thai readable, and without formulas."""

    async def run() -> None:
        async with center(tmp_path) as (by, _, _clock):
            await by["operator"].post(LIST, json=report(name='=HYPERLINK("http://x")'))
            await by["operator"].post(LIST, json=report(location=None, locationUnknown=True, name="ไม่ทราบที่"))
            answer = await by["dispatcher"].get(LIST, params={"format": "csv", "lang": "th"})
            assert answer.headers["content-type"].startswith("text/csv")
            assert "incidents.csv" in answer.headers["content-disposition"]
            assert answer.content.startswith(b"\xef\xbb\xbf")
            rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
            assert [row["หัวข้อ"] for row in rows] == ["ไม่ทราบที่", '\'=HYPERLINK("http://x")']
            assert [(row["ละติจูด"], row["สถานะ"]) for row in rows] == [
                ("", "รับแจ้ง"), ("7.900000", "รับแจ้ง"),
            ]  # fmt: skip

    asyncio.run(run())
