"""The search for places on the map."""

from __future__ import annotations

import asyncio
from pathlib import Path

from andaman.broker.entity.build import entity, geo, lang, prop
from andaman.broker.model import Doc
from andaman.city.places import MOST, find_places
from andaman.identity.model import FULL_ACCESS
from tests.command.city import HandClock, broker_at, put

LINE = {"type": "LineString", "coordinates": [[98.3, 7.9], [98.31, 7.91]]}


def test_places_are_found_by_any_part_of_their_names_in_both_languages(tmp_path: Path) -> None:
    """The name itself first, then names that begin so, then those that contain it; a street once; areas and streets are not a
    point."""

    async def run() -> None:
        async with broker_at(tmp_path, HandClock()) as broker:
            at = geo({"type": "Point", "coordinates": [98.39, 7.88]})
            hospital = entity("urn:ngsi-ld:PointOfInterest:h", ["PointOfInterest", "Hospital"], location=at,
                              name=lang(th="โรงพยาบาลป่าตอง", en="Patong Hospital"))  # fmt: skip
            await put(
                broker,
                hospital,
                entity("urn:ngsi-ld:PointOfInterest:v", ["PointOfInterest", "Village"], name=lang(th="บ้านป่าตอง"),
                       location=at),
                entity("urn:ngsi-ld:AdministrativeArea:p", "AdministrativeArea", level=prop("tambon"), location=at,
                       name=lang(th="ป่าตอง", en="Patong")),
                *(
                    entity(f"urn:ngsi-ld:RoadSegment:{i}", "RoadSegment", location=geo(LINE),
                           name=lang(th="ถนนป่าตอง–กะทู้", en="Patong–Kathu Road"))
                    for i in range(3)
                ),
                entity("urn:ngsi-ld:RoadSegment:nameless", "RoadSegment", location=geo(LINE)),
                entity("urn:ngsi-ld:PointOfInterest:damaged", "PointOfInterest", name=prop(["ป่าตอง"]), location=prop(5)),
            )  # fmt: skip

            async def names(text: str, limit: int = MOST) -> list[str]:
                return [one.name.th for one in await find_places(broker, text, FULL_ACCESS, limit)]

            assert await names("ป่าตอง") == ["ป่าตอง", "ถนนป่าตอง–กะทู้", "บ้านป่าตอง", "โรงพยาบาลป่าตอง"]
            assert await names("ถนนป่าตอง", 1) == ["ถนนป่าตอง–กะทู้"]
            assert await names("ต. ป่าตอง", 1) == ["ป่าตอง"]
            assert await names("patong hosp") == ["โรงพยาบาลป่าตอง"]
            assert await names("ป") == await names("") == await names("ไม่มีชื่อนี้") == []
            exact = {one.name.th: one.exact for one in await find_places(broker, "ป่าตอง", FULL_ACCESS, MOST)}
            assert exact["โรงพยาบาลป่าตอง"]
            assert not exact["ป่าตอง"]
            assert not exact["ถนนป่าตอง–กะทู้"]

    asyncio.run(run())


def test_a_road_is_found_by_its_number_in_each_sub_district(tmp_path: Path) -> None:
    """402 is not 4022, which comes after it; and a road of the same name as an area comes first when somebody asks for a road."""

    def segment(key: str, ref: str, th: str, lon: float) -> Doc:
        line = {"type": "LineString", "coordinates": [[lon, 7.9], [lon + 0.001, 7.9]]}
        return entity(
            f"urn:ngsi-ld:RoadSegment:{key}",
            "RoadSegment",
            location=geo(line),
            ref=prop(ref),
            name=lang(th=th),
        )

    def tambon(key: str, th: str, west: float) -> Doc:
        ring = [[west, 7.8], [west + 0.1, 7.8], [west + 0.1, 8.0], [west, 8.0], [west, 7.8]]
        return entity(
            f"urn:ngsi-ld:AdministrativeArea:{key}", "AdministrativeArea", level=prop("tambon"), name=lang(th=th),
            location=geo({"type": "Polygon", "coordinates": [ring]}),
        )  # fmt: skip

    async def run() -> None:
        async with broker_at(tmp_path, HandClock()) as broker:
            await put(
                broker,
                tambon("a", "เทพกระษัตรี", 98.3),
                tambon("b", "รัษฎา", 98.4),
                *(segment(f"s{i}", "402", "ถนนเทพกระษัตรี", 98.31 + i * 0.05) for i in range(4)),
                segment("other", "4022", "ทางหลวงหมายเลข 4022", 98.35),
                segment("both", "4020;ภก.5", "ถนนวิชิตสงคราม", 98.36),
            )

            async def found(text: str) -> list[tuple[str, int]]:
                places = await find_places(broker, text, FULL_ACCESS, MOST)
                return [(one.name.th, int(one.lon * 10)) for one in places]

            road = [("ถนนเทพกระษัตรี", 983), ("ถนนเทพกระษัตรี", 984)]
            for asked in ("402", "ทางหลวง 402", "ทางหลวงหมายเลข 402", "Highway 402"):
                assert await found(asked) == [*road, ("ทางหลวงหมายเลข 4022", 983)]
            assert await found("ภก.5") == [("ถนนวิชิตสงคราม", 983)]
            assert (await found("ถนนเทพกระษัตรี"))[:2] == road
            assert (await found("เทพกระษัตรี"))[0][1] == 983
            assert ("ทางหลวงหมายเลข 4022", 983) in await found("ทางหลวง")

    asyncio.run(run())
