"""The basis of each figure of the programme, for the room of evidence.

A key is ``SOURCE/WHAT/ID/SHARE``. SOURCE is the id of a release, or ``draft-2027-1`` for the draft of a quarter. WHAT is
``total``, ``objective``, ``deliverable``, ``check`` or ``change``; ID is ``all`` for the total.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from andaman.evidence.model import Basis, Constant, Detail, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Actor
from andaman.kernel.time import BUDDHIST_ERA
from andaman.kernel.words import Words
from andaman.programme.findings import Input
from andaman.programme.permissions import READ_DRAFT
from andaman.programme.problems import NoSuchRelease
from andaman.programme.provenance import WORDS, Provenance
from andaman.programme.release import Bundle
from andaman.programme.service import ProgrammeService

KIND: Final = "programme"
ALL: Final = "all"
_DRAFT: Final = re.compile(r"draft-(\d{4})-([1-4])")
_SHARES: Final = {
    "installed": Words("ติดตั้งแล้ว", "Installed"),
    "achieved": Words("ผลสัมฤทธิ์จากการใช้งานจริง", "Achieved in operation"),
    "accepted": Words("ตรวจรับก่อนใช้แพลตฟอร์ม", "Accepted before the platform"),
}
_PERCENT: Final = Words("%", "%")
_ITEMS: Final = Words("รายการ", "entities")
_POPULATION: Final = {
    "installed": Words(
        "ทุกรายการที่มีอยู่ในแพลตฟอร์ม รวมที่ติดตั้งมากับระบบ ข้อมูลจำลอง และข้อมูลย้อนหลัง",
        "Everything in place, also shipped, simulated and replayed entities",
    ),
    "achieved": Words("เฉพาะรายการที่เกิดจากการใช้งานจริง", "Only what arose in real operation"),
    "accepted": Words(
        "งานที่มีเอกสารตรวจรับก่อนแพลตฟอร์มเริ่มบันทึก", "Work with an acceptance document from before the platform"
    ),
}
_MEAN: Final = {
    "total": Words("ค่าเฉลี่ยของวัตถุประสงค์ทุกข้อ", "The mean of all objectives"),
    "objective": Words(
        "ค่าเฉลี่ยของผลผลิตทุกรายการ ผลผลิตที่วัดจากการใช้งานไม่ได้นับเป็น 0",
        "The mean of all deliverables; one that operation cannot show counts as 0",
    ),
    "deliverable": Words(
        "ค่าเฉลี่ยของหลักฐานทุกรายการ แต่ละรายการคือ จำนวนที่พบ ÷ เป้าหมาย ไม่เกิน 100%",
        "The mean of its checks; each is found ÷ target, at most 100%",
    ),
}
_ACCEPTED: Final = Words(
    "ผลรวมของส่วนที่ตรวจรับตามเอกสาร ไม่เกิน 100%", "The sum of the accepted parts, at most 100%"
)
_COUNT: Final = Words(
    "จำนวนรายการที่ตรงเงื่อนไขของหลักฐาน", "Number of entities that satisfy the condition of the check"
)
_CHANGE: Final = Words(
    "ค่าเมื่อสิ้นช่วง ลบค่าเมื่อเริ่มไตรมาส คำนวณทั้งสองค่าด้วยแผนรุ่นเดียวกัน",
    "The end of the period minus the beginning of the quarter, both by one version of the plan",
)
_PLAN: Final = Words("รุ่นของแผน", "Version of the plan")
_TARGET: Final = Words("เป้าหมาย", "Target")
_REGISTER: Final = Words("ทะเบียนผลผลิตของโครงการ", "Register of the deliverables of the programme")


class Figures:
    """The resolver of the room of evidence."""

    def __init__(self, service: ProgrammeService) -> None:
        self._service = service

    async def basis(self, key: str, actor: Actor) -> Basis:
        """Raises NoSuchFigure, also for a draft that the actor may not see."""
        parts = key.split("/")
        if len(parts) != 4:
            raise NoSuchFigure
        source, what, name, share = parts
        bundle = await self._bundle(source, actor)
        found = _Report(source, bundle).basis(what, name, share)
        if found is None:
            raise NoSuchFigure
        return found

    async def _bundle(self, source: str, actor: Actor) -> Bundle:
        if quarter := _DRAFT.fullmatch(source):
            if not actor.principal.may(READ_DRAFT):
                raise NoSuchFigure
            return await self._service.recent_draft(int(quarter[1]), int(quarter[2]))
        try:
            return await self._service.bundle_of(source)
        except NoSuchRelease:
            raise NoSuchFigure from None


class _Report:
    """The figures of one report as bases."""

    def __init__(self, source: str, bundle: Bundle) -> None:
        self._source, self._bundle, self._figures = source, bundle, bundle.figures

    def basis(self, what: str, name: str, share: str) -> Basis | None:
        if share not in _SHARES:
            return None
        if what == "change":
            return self._changed(name, share)
        if what == "check":
            return self._checked(name, share)
        row, inner, kind = self._row(what, name)
        if row is None or row[share] is None:
            return None
        accepted = share == "accepted" and what == "deliverable"
        return Basis(
            title=_titled(self._title(row), share),
            value=_percent(row[share]),
            unit=_PERCENT,
            period=self._period(),
            population=_POPULATION[share],
            formula=_ACCEPTED if accepted else _MEAN[what],
            constants=(self._plan(),),
            parts=() if accepted else tuple(self._links(inner, kind, share)),
            entities=tuple(_acceptances(row.get("acceptances", ()))) if accepted else (),
        )

    def _row(self, what: str, name: str) -> tuple[Mapping[str, Any] | None, list[Any], str]:
        """A row of the report, the rows below it, and their kind."""
        objectives: list[Any] = self._figures["objectives"]
        if what == "total" and name == ALL:
            return self._figures, objectives, "objective"
        if what == "objective":
            found = next((one for one in objectives if one["id"] == name), None)
            return found, [] if found is None else found["deliverables"], "deliverable"
        if what == "deliverable":
            found = self._deliverable(name)
            return found, [] if found is None else found["checks"], "check"
        return None, [], ""

    def _deliverable(self, name: str) -> Mapping[str, Any] | None:
        rows = (row for one in self._figures["objectives"] for row in one["deliverables"])
        return next((row for row in rows if row["id"] == name), None)

    def _checked(self, name: str, share: str) -> Basis | None:
        rows = (row for one in self._figures["objectives"] for row in one["deliverables"])
        check = next((c for row in rows for c in row["checks"] if c["id"] == name), None)
        if check is None or check.get(share) is None:
            return None
        inputs = self._bundle.inputs.get(name, ())
        if share == "achieved":
            inputs = tuple(one for one in inputs if one.provenance is Provenance.OPERATION)
        return Basis(
            title=_titled(self._title(check), share),
            value=check[share],
            unit=_PERCENT if check["measure"] == "share" else _ITEMS,
            period=self._period(),
            population=_POPULATION[share],
            formula=_COUNT,
            constants=(
                Constant(name=_TARGET, value=check["target"], unit=_ITEMS, source=_REGISTER),
                self._plan(),
            ),
            details=tuple(_left_out(check)),
            entities=tuple(_refs(inputs)),
        )

    def _changed(self, name: str, share: str) -> Basis | None:
        row = self._figures if name == ALL else self._deliverable(name)
        if row is None:
            return None
        change = (self._figures["quarter"] if name == ALL else row)["change"][share]
        if change is None or row[share] is None:
            return None
        what = "total" if name == ALL else "deliverable"
        return Basis(
            title=_titled(self._title(row), share),
            value=_percent(change),
            unit=Words("จุดร้อยละ", "percentage points"),
            period=self._period(),
            population=_POPULATION[share],
            formula=_CHANGE,
            constants=(self._plan(),),
            parts=tuple(self._links([{**row, "id": name}], what, share)),
        )

    def _links(self, rows: Iterable[Mapping[str, Any]], what: str, share: str) -> Iterable[Link]:
        for row in rows:
            if row.get(share) is not None:
                yield Link(
                    title=self._title(row),
                    kind=KIND,
                    key=f"{self._source}/{what}/{row['id']}/{share}",
                    value=row[share] if what == "check" else _percent(row[share]),
                    unit=None if what == "check" else _PERCENT,
                )

    def _title(self, row: Mapping[str, Any]) -> Words:
        return _words(row["title"] if "title" in row else self._figures["plan"]["title"])

    def _period(self) -> Words:
        of = self._figures["quarter"]
        year, quarter = of["year"], of["quarter"]
        th, en = (" (ยังไม่สิ้นไตรมาส)", " (it has not ended)") if of["running"] else ("", "")
        return Words(
            f"ไตรมาส {quarter} ปีงบประมาณ พ.ศ. {year + BUDDHIST_ERA}{th}",
            f"Quarter {quarter} of fiscal year {year}{en}",
        )

    def _plan(self) -> Constant:
        plan = self._figures["plan"]
        return Constant(name=_PLAN, value=plan["version"], source=_words(plan["source"]))


def _refs(inputs: Iterable[Input]) -> Iterable[EntityRef]:
    for one in inputs:
        words, by = WORDS[one.provenance], ", ".join(one.authors)
        th = f"{words.th}โดย {by}" if by else words.th
        en = f"{words.en} by {by}" if by else words.en
        yield EntityRef(
            id=one.id, note=Words(f"{th} (ค่าแฮช {one.digest[:16]})", f"{en} (digest {one.digest[:16]})")
        )


def _acceptances(rows: Iterable[Mapping[str, Any]]) -> Iterable[EntityRef]:
    for row in rows:
        yield EntityRef(
            id=str(row["id"]),
            attribute="acceptedShare",
            value=row["share"],
            time=None,
            note=Words(
                f"เอกสาร {row['document']} บันทึกโดย {row['enteredBy']} อนุมัติโดย {row['approvedBy']}",
                f"Document {row['document']}, entered by {row['enteredBy']}, approved by {row['approvedBy']}",
            ),
        )


def _left_out(check: Mapping[str, Any]) -> Iterable[Detail]:
    """Why entities do not count as achieved."""
    for kind, number in check["leftOut"].items():
        words = WORDS[Provenance(kind)]
        yield Detail(name=Words(f"ไม่นับเป็นผลสัมฤทธิ์: {words.th}", f"Not achieved: {words.en}"), value=number)


def _titled(title: Words, share: str) -> Words:
    return Words(f"{title.th}: {_SHARES[share].th}", f"{title.en}: {_SHARES[share].en}")


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _words(both: Mapping[str, str]) -> Words:
    return Words(both["th"], both["en"])
