"""The common part of a basis: constants of a study, and what the spread of residents rests on, so that others can repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from andaman.assessment.constants import constants_json
from andaman.assessment.reach import population
from andaman.assessment.reach.world import World
from andaman.evidence.model import Basis, Constant, Detail, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.kernel.time import BUDDHIST_ERA
from andaman.kernel.words import Words

_PLACES: Final = "type=PointOfInterest,PublicTransportStop&attribute=location"
_ROADS: Final = "type=RoadSegment&attribute=length"


def words_of(given: Any) -> Words | None:
    """Words of an answer; None where both languages are empty."""
    if not isinstance(given, Mapping) or not (given.get("th") or given.get("en")):
        return None
    return Words(str(given.get("th") or given["en"]), str(given.get("en") or given["th"]))


def constants_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Constant, ...]:
    """Constants as a study's answer has them."""
    return tuple(
        Constant(
            name=words_of(row["name"]) or Words("-", "-"),
            value=row["value"],
            unit=words_of(row["unit"]),
            source=words_of(row["source"]) or Words("-", "-"),
            check=words_of(row["checkText"]),
        )
        for row in rows
    )


def one_constant(
    constants: tuple[Constant, ...], rows: Iterable[Mapping[str, Any]], code: str, period: Words
) -> Basis:
    """The basis of a constant that is shown by itself. Raises NoSuchFigure."""
    for constant, row in zip(constants, rows, strict=True):
        if row["code"] == code:
            return Basis(
                title=constant.name,
                value=constant.value,
                unit=constant.unit,
                period=period,
                check=constant.check,
                constants=(constant,),
            )
    raise NoSuchFigure


SPREAD: Final = constants_of(constants_json(population.CONSTANTS))
"""The constants of the spread of residents."""


def residents_of(world: World) -> tuple[EntityRef, ...]:
    """The register by district, and the households that divide it."""
    districts = (
        EntityRef(id=area.id, attribute="population", value=area.population) for area in world.grid.areas
    )
    return (*districts, *(EntityRef(id=one) for one in world.people.households_entities))


def households_of(world: World) -> tuple[Detail, ...]:
    """The table that divides each district: households by local authority."""
    year = world.people.households_year
    if year is None:
        return ()
    thai, english = f"ครัวเรือน ปี {int(year) + BUDDHIST_ERA}", f"Households {year}"
    return tuple(
        Detail(name=Words(f"{thai}: {names}", f"{english}: {names}"), value=round(count))
        for names, count in world.people.households
    )


def sources_of(world: World) -> tuple[Link, ...]:
    """The lists that are too long for a basis: main roads, and places around which residents are spread."""
    return (
        Link(
            title=Words("ถนนสายหลักและสายรอง", "Primary and secondary roads"),
            kind="entities",
            key=_ROADS,
            value=len(world.base.ids),
        ),
        Link(
            title=Words(
                "สถานที่และป้ายรถโดยสารที่ใช้กระจายประชากร", "Places and stops around which residents are spread"
            ),
            kind="entities",
            key=_PLACES,
            value=len(world.points),
        ),
    )
