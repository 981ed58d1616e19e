"""Connectivity as a service: coverage runs and the 6 GHz policy cases, computed off the loop and kept as entities."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import orjson

from andaman.assessment.indicators.inputs import Computed
from andaman.assessment.problems import NoSuchRun
from andaman.assessment.radio.coverage import cover_range, summary
from andaman.assessment.radio.link_budget import BANDS, Band, Budget, budget_of
from andaman.assessment.radio.policy import PolicyAssumptions, compare
from andaman.assessment.radio.sites import MAX_SITES, Site, candidates, sites_of
from andaman.assessment.reach.world import World
from andaman.assessment.service import AssessmentService
from andaman.broker.api import Doc, entity, geo, iri, js, lang, prop, value
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel import query_params
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NotAChoice, NotAWholeNumber, NumberOutOfRange
from andaman.kernel.time import format_time

DEFAULT_SITES: Final = 120
_SCOPE: Final = "/assessment/connectivity"
_RUN: Final = "urn:ngsi-ld:CoverageRun:"


class ConnectivityService:
    """Coverage of the city by radio sites, over the land and residents of the assessment."""

    def __init__(self, assessment: AssessmentService) -> None:
        self.assessment = assessment
        assessment.on_refresh.append(self.refresh)

    async def refresh(self) -> None:
        """The three default runs and their sites, for the present inputs."""
        await self.run({})

    async def sites(self, count: int = DEFAULT_SITES) -> list[Site]:
        """The candidate set; see ``sites.py``."""
        return await self.assessment.study(f"sites.{count}", lambda world: _candidates(world, count))

    async def run(self, body: Any) -> list[dict[str, Any]]:
        """Run the bands asked for. Equal inputs give the same runs again, without computing.

        ``body``: ``{"name"?, "bands"?: ["700", …], "sites"?: […], "siteCount"?: n, "budget"?: {…}, "bandwidthMhz"?: n}``.
        Raises BadRequestData naming the field that is wrong.
        """
        if not isinstance(body, Mapping):
            raise BadRequestData('A run is an object such as {"bands": ["3500"]}')
        bands = _bands(body)
        budget = budget_of(body.get("budget"))
        own = body.get("sites") is not None
        count = _count(body.get("siteCount", DEFAULT_SITES))
        sites = sites_of(body["sites"], [b.f_ghz for b in bands]) if own else await self.sites(count)
        world = await self.assessment.world()
        if not own:
            await self.assessment.store_all([(_site_doc(site), world.fingerprint) for site in sites])
        default = not own and count == DEFAULT_SITES and budget == Budget() and "bandwidthMhz" not in body
        name = str(body.get("name") or ("แผนเริ่มต้น / default plan" if default else "แผนของผู้ใช้ / own plan"))[
            :120
        ]
        return [await self._one(world, sites, band, budget, name, default) for band in bands]

    async def _one(
        self, world: World, sites: Sequence[Site], band: Band, budget: Budget, name: str, default: bool
    ) -> dict[str, Any]:
        inputs = {
            "world": world.fingerprint,
            "band": asdict(band),
            "budget": asdict(budget),
            "sites": [site.as_json() for site in sites],
        }
        key = hashlib.sha256(orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
        run_id = f"{_RUN}{band.key}-default" if default else f"{_RUN}{band.key}-{key}"

        def work(_: World) -> dict[str, Any]:
            results = cover_range(world.grid, sites, band, budget)
            return summary(world.grid, world.people, sites, results, budget)

        result = await self.assessment.study(f"coverage.{key}", work)
        doc = entity(
            run_id,
            "CoverageRun",
            [_SCOPE],
            name=lang(th=name.partition(" / ")[0], en=name.rpartition(" / ")[2]),
            band=prop(band.key),
            isDefault=prop(default),
            siteCount=prop(len(sites)),
            sites=js(inputs["sites"]),
            result=js({k: v for k, v in result.items() if k != "grid"}),
            grid=js(result["grid"]),
            inputsFingerprint=prop(key),
            origin=prop("computed"),
            source=prop("Andaman; 3GPP TR 38.901; กรมการปกครอง; OpenStreetMap contributors (ODbL)"),
            dataset=prop("assessment"),
        )
        await self.assessment.store(doc, key)
        if default:
            outdoor = result["covered"]["outdoor"]
            self.assessment.publish(
                f"coverage.{band.key}.area",
                Computed(
                    outdoor["areaSharePercent"],
                    source="Andaman, CoverageRun",
                    at=self.assessment.clock(),
                    entities=(run_id,),
                    origins=("simulated",),  # the sites are
                ),
            )
        return self.get(run_id, FULL_ACCESS)

    def list_runs(self, access: Access) -> list[dict[str, Any]]:
        """Every stored run without grid and sites, defaults first, then newest first."""
        broker, tenant = self.assessment.broker, self.assessment.tenant
        rows = [
            _run_json(doc, whole=False)
            for doc in broker.iter_entities([iri("CoverageRun")], access, tenant)
            if _is_run(doc)
        ]
        rows.sort(key=lambda row: str(row["modifiedAt"]), reverse=True)
        rows.sort(
            key=lambda row: (not row["isDefault"], float(row["frequencyGhz"]) if row["isDefault"] else 0.0)
        )
        return rows

    def get(self, run_id: str, access: Access) -> dict[str, Any]:
        """One run with its grid and, for those who may see sites, its sites. Raises ResourceNotFound.

        A short id ("3500-default") will do.
        """
        full = run_id if run_id.startswith("urn:") else _RUN + run_id
        doc = self.assessment.broker.get(full, access, self.assessment.tenant)
        if not _is_run(doc):
            raise NoSuchRun(id=run_id)
        run = _run_json(doc, whole=True)
        if not access.sees([iri("NetworkSite")], [_SCOPE]):
            run["sites"] = None
        return run

    async def policy(self, changes: Mapping[str, str]) -> dict[str, Any]:
        """The two cases of the 6 GHz band compared; ``changes`` may alter the assumptions."""
        assumed = _assumptions(changes)
        sites = await self.sites()
        key = hashlib.sha256(orjson.dumps(asdict(assumed))).hexdigest()[:12]

        def work(world: World) -> dict[str, Any]:
            return compare(world.grid, world.people, sites, Budget(), assumed)

        result = await self.assessment.study(f"policy.{key}", work)
        return {**result, "computedAt": format_time(self.assessment.clock())}


def _candidates(world: World, count: int) -> list[Site]:
    usable = world.base.plane.lonlat(world.base.xy[world.base.giant()])
    return candidates(world.grid, world.people, np.concatenate([usable, world.points]), count)


def _bands(body: Mapping[str, Any]) -> list[Band]:
    asked = body.get("bands", list(BANDS))
    if not isinstance(asked, list) or not asked or any(one not in list(BANDS) for one in asked):
        raise NotAChoice(field="bands", choices=list(BANDS))
    bands = [BANDS[one] for one in dict.fromkeys(asked)]
    width = body.get("bandwidthMhz")
    if width is None:
        return bands
    if isinstance(width, bool) or not isinstance(width, int | float) or not 1.0 <= width <= 400.0:
        raise NumberOutOfRange(field="bandwidthMhz", low=1, high=400)
    return [replace(band, bandwidth_mhz=float(width)) for band in bands]


def _count(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_SITES:
        raise NotAWholeNumber(field="siteCount", low=1, high=MAX_SITES)
    return given


_CHANGEABLE: Final = {"homeRadiusM": ("home_radius_m", 1.0, 100.0), "imtBandwidthMhz": ("imt_bandwidth_mhz", 20.0, 400.0), "householdSize": ("household_size", 1.0, 20.0), "fixedLineShare": ("fixed_line_share", 0.0, 1.0), "apShareToday": ("ap_share_today", 0.0, 1.0)}  # fmt: skip


def _assumptions(changes: Mapping[str, str]) -> PolicyAssumptions:
    """Assumptions with a caller's changes (texts from a query string). A single share stands for low, likely and high."""
    fields: dict[str, Any] = {}
    for name in changes:
        if name not in _CHANGEABLE:
            raise BadRequestData(
                f"{name!r} is not an assumption; the assumptions are {', '.join(_CHANGEABLE)}", field=name
            )
        attr, low, high = _CHANGEABLE[name]
        number = query_params.number(changes, name, low, low, high)
        fields[attr] = (number, number, number) if attr.endswith(("share", "today")) else number
    return PolicyAssumptions(**fields)


def _site_doc(site: Site) -> Doc:
    return entity(
        site.id,
        "NetworkSite",
        [_SCOPE],
        name=lang(th=f"สถานีสมมติ {site.name}", en=f"Candidate site {site.name}"),
        location=geo({"type": "Point", "coordinates": [round(site.lon, 6), round(site.lat, 6)]}),
        scenario=prop(site.scenario.value),
        antennaHeight=prop(site.height_m, unit="MTR"),
        origin=prop(site.origin),
        source=prop("Andaman: assumed site, mast positions are not public"),
        dataset=prop("assessment"),
    )


def _is_run(doc: Doc) -> bool:
    """Is this one of the runs made here? Others may have written an entity of the type that holds no result."""
    result = value(doc, "result")
    return (
        iri("CoverageRun") in doc["type"] and isinstance(result, dict) and {"name", "budget"} <= result.keys()
    )


def _run_json(doc: Doc, *, whole: bool) -> dict[str, Any]:
    result = dict(value(doc, "result"))
    run = {
        "id": doc["id"],
        "name": value(doc, "name"),
        "band": value(doc, "band"),
        "bandName": result.pop("name"),
        "frequencyGhz": result["budget"]["frequencyGhz"],
        "isDefault": value(doc, "isDefault"),
        "siteCount": value(doc, "siteCount"),
        "origin": value(doc, "origin"),
        "modifiedAt": doc.get("modifiedAt"),
        **{k: v for k, v in result.items() if k != "band"},
    }
    if whole:
        run["grid"] = value(doc, "grid")
        run["sites"] = value(doc, "sites")
    else:
        for name in ("constants", "sources", "sourceChecks", "limits", "method"):
            run.pop(name, None)
    return run
