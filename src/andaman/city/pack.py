"""City packs: a city's facts in compact files next to this module, and their installation into a broker.

A pack is a folder with ``manifest.json`` (parts with authority, origin, licence, date), ``entities/*.jsonl.gz`` (or plain
``.jsonl``; one entity a line: NGSI-LD concise attributes under short names of the city context), ``tables/*.csv.gz`` (series
that feeds replay), ``geometry/*.jsonl.gz`` (map geometry that is no entity) and ``registers/*.json`` (rows that the city edits
afterwards; ``city/registers.py``).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, Instance, OpKind, WriteOp, build
from andaman.identity.model import Actor
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import Micros, parse_time

CHUNK: Final = 400
_MEMBERS: Final = {
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "json": "JsonProperty",
    "value": "Property",
}
_SYSTEM: Final = ("createdAt", "modifiedAt")

Progress = Callable[[int, int], None]
"""Called with (entities done, entities in all)."""


@dataclass(frozen=True, slots=True)
class InstallReport:
    """The effect of an installation on the broker; ``unchanged`` entities were not written."""

    created: int
    updated: int
    unchanged: int
    removed: int = 0


class DemoAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person that the demo invents: name as screens show it, role, and code of the agency."""

    username: str
    name: str
    role: str
    agency: str


class Pack:
    """One city pack. Files are read when asked for; nothing is kept in memory."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))

    @property
    def id(self) -> str:
        return str(self.manifest["id"])

    @property
    def name(self) -> dict[str, str]:
        """``{"th": …, "en": …}``"""
        return dict(self.manifest["name"])

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude, latitude."""
        lon, lat = self.manifest["centre"]
        return float(lon), float(lat)

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        west, south, east, north = self.manifest["bbox"]
        return float(west), float(south), float(east), float(north)

    @property
    def publishers(self) -> dict[str, str]:
        """Duty ("city", "disaster", …) → code of the agency that publishes the datasets of it."""
        return dict(self._own("publishers.json") or {})

    @property
    def demo_accounts(self) -> list[DemoAccount]:
        """Whom ``andaman demo`` creates: the pack's own people, or the neutral ones of the platform."""
        return msgspec.convert(
            self._own("demo-accounts.json") or _base("demo-accounts.json"), list[DemoAccount]
        )

    @property
    def demo_staff(self) -> dict[str, int]:
        """Staff role → how many people with simulated training records ``andaman demo`` creates."""
        return msgspec.convert(self._own("demo-staff.json") or _base("demo-staff.json"), dict[str, int])

    def _own(self, name: str) -> Any:
        """A JSON file of the pack next to its manifest, or None."""
        return _json(self._folder / name)

    @property
    def attribution(self) -> list[str]:
        """Credits that a licence asks for at every display of the data, without doubles; ``manifest`` names all
        sources.
        """
        asked = [part for part in self.manifest["parts"] if part["licence"].startswith(("ODbL", "CC BY"))]
        return list(dict.fromkeys(part["attribution"] for part in asked))

    @property
    def entity_count(self) -> int:
        return sum(file["count"] for _, file in self._files("entities"))

    def _files(self, kind: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        for part in self.manifest["parts"]:
            for file in part["files"]:
                if file["kind"] == kind:
                    yield part, file

    def _text(self, path: str) -> str:
        content = self._folder.joinpath(*path.split("/")).read_bytes()
        return (gzip.decompress(content) if path.endswith(".gz") else content).decode()

    @property
    def digest(self) -> str:
        """Of all entities: the manifest's, or made from the files of a small pack that is written by hand."""
        named = self.manifest.get("digest")
        if named:
            return str(named)
        text = "".join(self._text(file["path"]) for _, file in self._files("entities"))
        return hashlib.sha256(text.encode()).hexdigest()

    def iter_docs(self, part: str | None = None) -> Iterator[Doc]:
        """Every entity of the pack (or of one part) in stored form, in loading order."""
        for doc, _ in self._iter(part):
            yield doc

    def _iter(self, part: str | None = None) -> Iterator[tuple[Doc, bool]]:
        for owner, file in self._files("entities"):
            if part is None or owner["id"] == part:
                for line in self._text(file["path"]).splitlines():
                    yield read_entity(json.loads(line)), bool(file.get("create_only"))

    def has(self, name: str) -> bool:
        """Is there a part or a table of this name?"""
        parts = {part["id"] for part in self.manifest["parts"]}
        return name in parts or any(file["name"] == name for _, file in self._files("table"))

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a table as text by column; an unknown value is "". Raises ResourceNotFound."""
        return list(csv.DictReader(io.StringIO(self._named("table", name))))

    def geometry(self, name: str) -> list[dict[str, Any]]:
        """Rows of a geometry file: ``coordinates`` and plain members. Raises ResourceNotFound."""
        return [json.loads(line) for line in self._named("geometry", name).splitlines()]

    def register(self, name: str) -> list[Any]:
        """Rows of a register as the pack brings them; else the neutral ones that come with the platform."""
        return _register(self._folder, name) or base_register(name)

    def _named(self, kind: str, name: str) -> str:
        for _, file in self._files(kind):
            if file["name"] == name:
                return self._text(file["path"])
        raise ResourceNotFound(f"The city pack {self.id!r} has no {kind} {name!r}")


def load_pack(name: str) -> Pack:
    """The pack of that name carried by the package, such as "phuket". Raises ResourceNotFound, naming those there are."""
    root = files("andaman.city")
    known = sorted(
        item.name for item in root.iterdir() if item.is_dir() and (item / "manifest.json").is_file()
    )
    if name not in known:
        raise ResourceNotFound(f"There is no city pack {name!r}; there are: {', '.join(known)}")
    return Pack(root / name)


def base_register(name: str) -> list[Any]:
    """Rows of a register in a city without a pack, or whose pack has none."""
    return _register(files("andaman.city") / "base", name) or []


def base_demo_accounts() -> list[DemoAccount]:
    """Whom ``andaman demo`` creates in a city without a pack."""
    return msgspec.convert(_base("demo-accounts.json"), list[DemoAccount])


def base_demo_staff() -> dict[str, int]:
    """Staff of ``andaman demo`` in a city without a pack."""
    return msgspec.convert(_base("demo-staff.json"), dict[str, int])


def _register(folder: Traversable, name: str) -> list[Any] | None:
    rows: list[Any] | None = _json(folder / "registers" / f"{name}.json")
    return rows


def _base(name: str) -> Any:
    return _json(files("andaman.city") / "base" / name)


def _json(file: Traversable) -> Any:
    """The content of a JSON file, or None where there is none."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def read_entity(line: Mapping[str, Any]) -> Doc:
    """Stored form of one entity in NGSI-LD concise form with short names (CIM 009 §4.5.17)."""
    attrs = {name: _instance(value) for name, value in line.items() if name not in ("id", "type", "scope")}
    return build.entity(line["id"], line["type"], line.get("scope", ()), **attrs)


def _instance(concise: Mapping[str, Any]) -> Instance:
    kind = concise.get("type") or next(kind for member, kind in _MEMBERS.items() if member in concise)
    instance: Instance = {"type": kind, **{key: value for key, value in concise.items() if key != "type"}}
    return instance


async def install(
    pack: Pack,
    broker: Broker,
    actor: Actor,
    progress: Progress | None = None,
    tenant: str = DEFAULT_TENANT,
    *,
    registers: Collection[str] = (),
) -> InstallReport:
    """Bring the broker to the pack's content; equal entities are not written.

    A new series (KeyPerformanceIndicator) is written point by point, so that its past is in the history too. Entities
    that are marked "create only" (demo units) are left alone once they exist; others that an older edition had and this
    one has not are removed, but for ``registers``: types of entities that are rows of registers now. An installation that was cut off goes on when called again. Raises the broker's first error.
    """
    marker_id = f"urn:ngsi-ld:CityPack:{pack.id}"
    marker = broker.find(marker_id, actor.access, tenant)
    if marker is not None and build.iri("CityPack") not in marker["type"]:
        marker = (
            None  # anybody may have taken this id, but not this type: it must not say what is to be deleted
        )
    total = pack.entity_count
    if marker is not None and build.value(marker, "digest") == pack.digest:
        if progress is not None:
            progress(total, total)
        return InstallReport(0, 0, total)
    ops: list[WriteOp] = []
    created = updated = unchanged = 0
    contents: list[str] = []
    for done, (doc, create_only) in enumerate(pack._iter(), 1):
        if not create_only:
            contents.append(doc["id"])
        current = broker.find(doc["id"], actor.access, tenant)
        if current is None:
            ops += _history(doc)
            ops.append(WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc))
            created += 1
        elif create_only or (fragment := difference(current, doc)) is None:
            unchanged += 1
        else:
            ops += _history(doc, build.observed(current, "kpiValue"))
            ops.append(WriteOp(OpKind.UPSERT_UPDATE, doc["id"], fragment))
            updated += 1
        if len(ops) >= CHUNK:
            await broker.must_write(ops, actor, tenant)
            ops = []
            if progress is not None:
                progress(done, total)
    gone = sorted(set(build.value(marker, "contents", []) if marker is not None else []) - set(contents))
    rows = {build.iri(name) for name in registers}
    found = [broker.find(entity_id, actor.access, tenant) for entity_id in gone]
    gone = [doc["id"] for doc in found if doc is not None and rows.isdisjoint(doc["type"])]
    ops += [WriteOp(OpKind.DELETE, entity_id) for entity_id in gone]
    ops.append(WriteOp(OpKind.UPSERT_UPDATE, marker_id, _marker(pack, marker_id, contents)))
    await broker.must_write(ops, actor, tenant)
    if progress is not None:
        progress(total, total)
    return InstallReport(created, updated, unchanged, len(gone))


def difference(current: Doc, wanted: Doc) -> Doc | None:
    """A fragment with the attributes of ``wanted`` that ``current`` lacks or has otherwise; None when there is none."""
    attrs = {
        name: instances
        for name, instances in wanted["attrs"].items()
        if [_bare(instance) for instance in current["attrs"].get(name, ())] != instances
    }
    if not attrs and set(wanted["type"]) <= set(current["type"]):
        return None
    return {"id": wanted["id"], "type": wanted["type"], "attrs": attrs}


def _bare(instance: Instance) -> Instance:
    return {key: value for key, value in instance.items() if key not in _SYSTEM}


def _history(doc: Doc, after: Micros | None = None) -> list[WriteOp]:
    """Values of a series before its latest (and later than ``after``), oldest first, as writes of ``kpiValue`` alone."""
    series = build.value(doc, "series")
    if not isinstance(series, dict):
        return []
    ops = []
    for period, value in series.get("points", [])[:-1]:
        if after is not None and parse_time(period_end(period)) <= after:
            continue
        fragment = build.entity(
            doc["id"], [build.short(kind) for kind in doc["type"]], doc.get("scope", ()),
            kpiValue=build.prop(value, parse_time(period_end(period))),
        )  # fmt: skip
        ops.append(WriteOp(OpKind.UPSERT_UPDATE, doc["id"], fragment))
    return ops


def period_end(period: str) -> str:
    """The instant at which a period ("2024" or "2024-05", Asia/Bangkok) is over, as ISO 8601."""
    year, _, month = period.partition("-")
    following = (int(year) + 1, 1) if month in ("", "12") else (int(year), int(month) + 1)
    return f"{following[0]:04d}-{following[1]:02d}-01T00:00:00+07:00"


def _marker(pack: Pack, marker_id: str, contents: list[str]) -> Doc:
    """The entity that records which edition is installed, the sources it is made of, and the entities it put here."""
    manifest = pack.manifest
    summary = [
        {
            key: part[key]
            for key in (
                "id",
                "title",
                "authority",
                "origin",
                "licence",
                "attribution",
                "date",
                "kind",
                "notes",
            )
        }
        for part in manifest["parts"]
    ]
    return build.entity(
        marker_id,
        "CityPack",
        ("/platform",),
        name=build.lang(**pack.name),
        digest=build.prop(pack.digest),
        parts=build.js(summary),
        contents=build.js(contents),
        origin=build.prop("reported"),
    )
