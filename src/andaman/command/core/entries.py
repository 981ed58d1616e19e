"""Lines of an incident's timeline: codes with parameters and words. Screens make the sentences. Pure.

An entry stores what happened as ``code`` and ``params``. Its ``text`` is what a person wrote. Where nobody wrote
anything it is the sentence in both languages, for readers of NGSI-LD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

from andaman.broker.api import Instance, js, lang, prop, rel
from andaman.command.types import ASSIGNMENT, INCIDENT
from andaman.kernel.words import FieldName, State, Words, json_params


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to an incident. The fields of a subclass are its parameters."""

    code: ClassVar[str]
    entry_type: ClassVar[str]
    words: ClassVar[Words]

    def params(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True)
class IncidentOpened(Happening):
    code, entry_type = "incident-opened", "created"
    words = Words("เปิดเหตุ: {name}", "Incident opened: {name}")
    name: Words


@dataclass(frozen=True, slots=True)
class IncidentStep(Happening):
    code, entry_type = "incident-step", "step"
    words = Words("สถานะเหตุ: {state}", "Incident state: {state}")
    state: State


@dataclass(frozen=True, slots=True)
class IncidentFollowed(Happening):
    code, entry_type = "incident-followed", "follows"
    words = Words("สถานะเหตุเปลี่ยนเป็น {state} ตามหน่วยปฏิบัติการ", "Incident became {state}, following its units")
    state: State


@dataclass(frozen=True, slots=True)
class IncidentCorrected(Happening):
    """``field``: the member of the correction; the text of the entry is the reason."""

    code, entry_type = "incident-corrected", "correction"
    words = Words("แก้ไข{field} จาก “{old}” เป็น “{new}”", "Corrected the {field} from “{old}” to “{new}”")
    field: FieldName
    old: Words
    new: Words


@dataclass(frozen=True, slots=True)
class UnitStep(Happening):
    code, entry_type = "unit-step", "assignment"
    words = Words("{unit}: {state}", "{unit}: {state}")
    unit: Words
    state: State


@dataclass(frozen=True, slots=True)
class UnitArrivedAfar(Happening):
    """A person confirmed that the unit is there, although its last position was ``distance`` metres away."""

    code, entry_type = "unit-arrived-afar", "assignment"
    words = Words(
        "{unit}: {state} (ตำแหน่งล่าสุดของหน่วยห่างจากจุดเกิดเหตุ {distance} ม.)",
        "{unit}: {state} (its last position was {distance} m from the place)",
    )
    unit: Words
    state: State
    distance: int


@dataclass(frozen=True, slots=True)
class ItemChecked(Happening):
    """An item of the checklist was done."""

    code, entry_type = "item-checked", "check"
    words = Words("ตรวจแล้ว: {item}", "Checked: {item}")
    item: Words


@dataclass(frozen=True, slots=True)
class ItemUnchecked(Happening):
    """The tick of an item was a mistake; the line of the tick stays."""

    code, entry_type = "item-unchecked", "uncheck"
    words = Words("ยกเลิกการตรวจ: {item}", "Check taken back: {item}")
    item: Words


@dataclass(frozen=True, slots=True)
class HandedOver(Happening):
    """Somebody who cannot send units asks a dispatcher to."""

    code, entry_type = "handed-over", "handover"
    words = Words("ส่งต่อให้ผู้สั่งการ", "Handed over to a dispatcher")


_STATES: Final = {
    code.value: code.words
    for kind in (ASSIGNMENT, INCIDENT)
    for attribute in kind.attributes
    if attribute.name in ("assignmentStatus", "incidentStatus")
    for code in attribute.codes
}


@dataclass(frozen=True, slots=True)
class HandoverSeen(Happening):
    """A dispatcher has read the message, and has not acted yet."""

    code, entry_type = "handover-seen", "handoverSeen"
    words = Words("ผู้สั่งการรับทราบการส่งต่อ", "A dispatcher has seen the hand-over")


HAPPENINGS: tuple[type[Happening], ...] = (
    IncidentOpened,
    IncidentStep,
    IncidentFollowed,
    IncidentCorrected,
    UnitStep,
    UnitArrivedAfar,
    ItemChecked,
    ItemUnchecked,
    HandedOver,
    HandoverSeen,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline: what happened, or a note (``happening`` None); ``text`` is what a person wrote."""

    happening: Happening | None = None
    text: str = ""
    links: Mapping[str, Instance] = field(default_factory=dict)

    def attrs(self) -> dict[str, Instance]:
        """The attributes of the TimelineEntry entity."""
        said = self.happening
        if said is None:
            return {"entryType": prop("note"), "text": prop(self.text)}
        params = said.params()
        text = prop(self.text) if self.text else lang(**_sentence(said).json())
        step = {"step": prop(params["state"])} if "state" in params else {}
        told = {"code": prop(said.code), "params": js(json_params(params))}
        return {"entryType": prop(said.entry_type), "text": text, **told, **step, **self.links}


def _sentence(said: Happening) -> Words:
    params = said.params()
    if "state" in params:
        params["state"] = _STATES.get(params["state"], params["state"])
    return said.words.fill(params)


def unit_links(unit_id: str, assignment_id: str = "") -> dict[str, Instance]:
    """The unit of a UnitStep, and its assignment where that is to be named."""
    links = {"refUnit": rel(unit_id)}
    return {**links, "refAssignment": rel(assignment_id)} if assignment_id else links
