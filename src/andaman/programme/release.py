"""A release: the figures of a quarter as the programme office published them. Everybody reads the same one.

The entity has the figures; a large object has the figures again with the list of all evidence. Its digest is in the entity, so a
release that was not made here is recognized and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from andaman.broker.api import Doc, entity, js, prop, value
from andaman.kernel.answers import Answer
from andaman.kernel.blobs import BlobClass
from andaman.kernel.ids import urn
from andaman.programme.findings import Input

SCOPE: Final = ("/programme/release",)
TYPE: Final = "ProgrammeRelease"
BUNDLE: Final = BlobClass("programme-release", 64 << 20)
OWNER: Final = "programme"
Inputs = dict[str, tuple[Input, ...]]
"""Check id → the entities behind its figures."""


class Texts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What people add to the figures, in the language in which they wrote it."""

    note: str = ""
    problems: str = ""
    next_steps: str = ""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a release with everything that they were computed from."""

    figures: dict[str, Any]
    inputs: Inputs


class ReleaseHead(Answer, frozen=True, kw_only=True):
    """``year``: fiscal year in the common era. ``number``: of the report, such as "2/2027": second of that fiscal year.
    ``interim``: the quarter had not ended on the day of its data."""

    id: str
    number: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,5}/[0-9]{4}$")]
    year: int
    quarter: int
    as_of: str
    released_at: str
    released_by: str
    interim: bool


class ReleaseShown(ReleaseHead, frozen=True, kw_only=True):
    """``figures``: docs/rooms/programme.md. ``inputs_digest``: SHA-256 of the figures with the list of their evidence."""

    figures: dict[str, Any]
    inputs_digest: str
    note: str
    problems: str
    next_steps: str

    def head(self) -> ReleaseHead:
        names = ReleaseHead.__struct_fields__
        return ReleaseHead(**{name: getattr(self, name) for name in names})


def bundle_bytes(figures: Mapping[str, Any], inputs: Inputs) -> bytes:
    return msgspec.json.encode(Bundle(figures=dict(figures), inputs=inputs), order="deterministic")


def bundle_of(body: bytes) -> Bundle:
    return msgspec.json.decode(body, type=Bundle)


def doc_of(release: ReleaseShown) -> Doc:
    figures, texts = release.figures, {}
    for attr, text in (
        ("releaseNote", release.note),
        ("problems", release.problems),
        ("nextSteps", release.next_steps),
    ):
        if text:
            texts[attr] = prop(text)
    return entity(
        urn(TYPE, release.id),
        TYPE,
        scope=SCOPE,
        reportNumber=prop(release.number),
        reportYear=prop(release.year),
        reportQuarter=prop(release.quarter),
        asOf=prop(release.as_of),
        releasedAt=prop(release.released_at),
        releasedBy=prop(release.released_by),
        installedShare=prop(figures["installed"]),
        achievedShare=prop(figures["achieved"]),
        acceptedShare=prop(figures["accepted"]),
        figures=js(figures),
        inputsDigest=prop(release.inputs_digest),
        origin=prop("reported"),
        **texts,
    )


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "number": "reportNumber",
    "year": "reportYear",
    "quarter": "reportQuarter",
    "asOf": "asOf",
    "releasedAt": "releasedAt",
    "releasedBy": "releasedBy",
    "figures": "figures",
    "inputsDigest": "inputsDigest",
}


def shown(doc: Doc) -> ReleaseShown | None:
    """A release as everybody reads it; None for an entity of another form."""
    found: dict[str, Any] = {name: value(doc, attr) for name, attr in _ATTRIBUTES.items()}
    texts = {
        "note": value(doc, "releaseNote", ""),
        "problems": value(doc, "problems", ""),
        "nextSteps": value(doc, "nextSteps", ""),
    }
    quarter = found["figures"].get("quarter") if isinstance(found["figures"], dict) else None
    interim = isinstance(quarter, dict) and quarter.get("running") is True
    local = str(doc["id"]).removeprefix(f"urn:ngsi-ld:{TYPE}:")
    try:
        return msgspec.convert({"id": local, "interim": interim, **found, **texts}, ReleaseShown)
    except msgspec.ValidationError:
        return None
