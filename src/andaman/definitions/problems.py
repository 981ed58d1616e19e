"""Refusals of definitions to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, State, Words


class NoSuchKind(Refusal, ResourceNotFound):
    code = "no-such-definition-kind"
    words = Words("ไม่มีประเภทข้อกำหนด {id}", "There is no kind of definition {id}")
    id: str


class NoSuchDefinition(Refusal, ResourceNotFound):
    code = "no-such-definition"
    words = Words("ไม่มีข้อกำหนด {id}", "There is no definition {id}")
    id: str


class NoSuchVersion(Refusal, ResourceNotFound):
    code = "no-such-version"
    words = Words("ไม่มีฉบับที่ {number}", "There is no version {number}")
    number: int | str


class StepNotPossible(Refusal, Conflict):
    code = "version-step-not-possible"
    words = Words(
        "ฉบับนี้อยู่ในสถานะ {state} จึงดำเนินการขั้นนี้ไม่ได้", "This version is {state}, so this step is not possible"
    )
    state: State


class ReviewNeeded(Refusal, Conflict):
    code = "review-needed"
    words = Words(
        "ต้องมีบุคคลที่สองตรวจและอนุมัติก่อนจึงจะมีผลใช้บังคับได้",
        "A second person must approve this before it comes into force",
    )


class DefinitionChanged(Refusal, Conflict):
    """The version in force is not the one that the draft was made from."""

    code = "definition-changed"
    words = Words(
        "ข้อกำหนดที่ใช้อยู่ถูกแก้ไขหลังจากจัดทำร่างนี้ โปรดเปรียบเทียบและจัดทำร่างใหม่",
        "The version in force has changed since this draft was made; compare the two and make a new draft",
    )


class TooManyDrafts(Refusal, Conflict):
    code = "too-many-drafts"
    words = Words(
        "มีร่างที่ยังไม่สิ้นสุดครบ {limit} ฉบับแล้ว โปรดถอนร่างเดิมก่อน",
        "There are {limit} open drafts; withdraw some of them first",
    )
    limit: int


class NotDeletable(Refusal, Conflict):
    """It comes with the platform, or is in a file of the data directory."""

    code = "definition-not-deletable"
    words = Words(
        "ลบ {id} ไม่ได้ เพราะมากับระบบหรือกำหนดไว้ในไฟล์ของระบบ",
        "{id} cannot be deleted here: it comes with the platform or is in a file of the data directory",
    )
    id: str


class InUse(Refusal, Conflict):
    """``user``: the kind and key of a definition that names it."""

    code = "definition-in-use"
    words = Words("ลบ {id} ไม่ได้ เพราะ {user} ยังอ้างถึงอยู่", "{id} cannot be deleted: {user} still refers to it")
    id: str
    user: str


class ConfigNotUnderstood(Refusal, BadRequestData):
    """``place``: where in the file; ``reason`` is in English, for the log."""

    code = "config-not-understood"
    words = Words(
        "ไฟล์ข้อกำหนดไม่ถูกต้องที่ {place} ({reason})", "The file of definitions is not valid at {place}: {reason}"
    )
    place: str
    reason: str
    field: FieldName = "file"
