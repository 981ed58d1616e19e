"""Figures of the catalogue: how many records a dataset has, how complete and how timely they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.api import EntityQuery, TypeExpr, TypeIs, TypeOr, ast, short
from andaman.catalogue.model import Dataset, parse_duration
from andaman.catalogue.problems import NoSuchDataset
from andaman.catalogue.quality import GRACE
from andaman.catalogue.service import Catalogue
from andaman.evidence.model import Basis, Constant, Detail, Resolver
from andaman.evidence.problems import NoSuchFigure
from andaman.evidence.vocabulary import Vocabulary
from andaman.identity.model import Actor
from andaman.kernel.time import HOUR
from andaman.kernel.words import Words

MEASURES: Final[Mapping[str, Words]] = {
    "records": Words("จำนวนรายการในชุดข้อมูล", "Records of the dataset"),
    "completeness": Words("ความครบถ้วนของชุดข้อมูล", "Completeness of the dataset"),
    "timeliness": Words("ความทันเวลาของชุดข้อมูล", "Timeliness of the dataset"),
}
_FORMULAS: Final[Mapping[str, Words]] = {
    "records": Words(
        "นับรายการทั้งหมดของชุดข้อมูลที่ท่านมีสิทธิเข้าถึง", "Count of the records of the dataset that you may see"
    ),
    "completeness": Words(
        "จำนวนค่าที่ต้องมีและมีอยู่จริง ÷ (จำนวนรายการ × จำนวนข้อมูลที่ต้องมี)",
        "required values that are there ÷ (records × required attributes)",
    ),
    "timeliness": Words(
        "จำนวนรายการที่ตรวจวัดภายในเวลาที่กำหนด ÷ จำนวนรายการที่มีเวลาตรวจวัด",
        "records observed within the time allowed ÷ records with a time of observation",
    ),
}
_POPULATION: Final = Words("รายการที่ท่านมีสิทธิเข้าถึง", "Records that you may see")
_CATALOGUE: Final = Words("บัญชีชุดข้อมูล", "Catalogue of datasets")
_PERCENT: Final = Words("ร้อยละ", "%")
_RECORDS: Final = Words("รายการ", "records")


def dataset_figures(catalogue: Catalogue, vocabulary: Vocabulary) -> Resolver:
    """Key: code of a dataset, ``~`` and a measure."""

    async def resolve(key: str, actor: Actor) -> Basis:
        code, _, measure = key.rpartition("~")
        if measure not in MEASURES:
            raise NoSuchFigure
        try:
            dataset = catalogue.get_dataset(code, actor.access)
        except NoSuchDataset:
            raise NoSuchFigure from None
        report = await catalogue.quality(dataset, actor.access)
        if report is None:
            raise NoSuchFigure
        return _basis(dataset, measure, report, vocabulary)

    return resolve


def _basis(dataset: Dataset, measure: str, report: Mapping[str, Any], vocabulary: Vocabulary) -> Basis:
    share = None if measure == "records" else report[measure]["value"]
    details = [Detail(name=Words("เวลาที่คำนวณ", "Computed at"), value=report["computedAt"])]
    if dataset.title:
        texts = list(dataset.title.values())
        named = Words(dataset.title.get("th", texts[0]), dataset.title.get("en", texts[0]))
        details.insert(0, Detail(name=Words("ชุดข้อมูล", "Dataset"), value=named))
    if measure == "completeness":
        details += [
            Detail(name=_missing(vocabulary.attribute_words(name)), value=count)
            for name, count in report["completeness"]["missing"].items()
        ]
    return Basis(
        title=MEASURES[measure],
        value=report["records"] if measure == "records" else None if share is None else round(share * 100, 2),
        unit=_RECORDS if measure == "records" else _PERCENT,
        population=_POPULATION,
        check=Words("ระบบคำนวณจากรายการทุกครั้งที่เปิดดู", "Computed by the platform from the records"),
        formula=_FORMULAS[measure],
        constants=tuple(_constants(dataset, measure, vocabulary)),
        details=tuple(details),
        entities=query_of(dataset),
        note=None
        if share is not None or measure == "records"
        else Words("ข้อมูลไม่เพียงพอสำหรับการคำนวณ", "There is not enough data to compute it"),
    )


def _constants(dataset: Dataset, measure: str, vocabulary: Vocabulary) -> list[Constant]:
    if measure == "completeness" and dataset.required:
        names = [vocabulary.attribute_words(short(name)) for name in dataset.required]
        both = Words(", ".join(one.th for one in names), ", ".join(one.en for one in names))
        return [Constant(name=Words("ข้อมูลที่ต้องมี", "Required attributes"), value=both, source=_CATALOGUE)]
    interval = parse_duration(dataset.frequency) if measure == "timeliness" else None
    if interval is None:
        return []
    allowed = round(GRACE * interval / HOUR, 3)
    return [
        Constant(
            name=Words("เวลาที่กำหนด (1.5 เท่าของรอบการปรับปรุง)", "Time allowed (1.5 update intervals)"),
            value=allowed,
            unit=Words("ชั่วโมง", "h"),
            source=_CATALOGUE,
        )
    ]


def _missing(name: Words) -> Words:
    return Words(f"รายการที่ไม่มีข้อมูล: {name.th}", f"Records without: {name.en}")


def query_of(dataset: Dataset) -> EntityQuery:
    """The records of a dataset, as its selector chooses them."""
    kinds: list[TypeExpr] = [TypeIs(name) for name in sorted(dataset.types)]
    levels = tuple(part for part in dataset.scope.split("/") if part)
    return EntityQuery(
        types=None if not kinds else kinds[0] if len(kinds) == 1 else TypeOr(tuple(kinds)),
        scope=ast.ScopeIs(levels, below=True) if levels else None,
    )
