"""Refusals of definitions to people, with their words."""

from __future__ import annotations

from collections.abc import Sequence

from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Names, State, Time, Words


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
    """The version in force is not the one that the draft was made from. ``current`` of the problem document is its content (null:
    it was deleted), ``digest`` its digest and ``number`` its version."""

    code = "definition-changed"
    words = Words(
        "{name} แก้ไขรายการนี้เมื่อ {at} ยังไม่มีการบันทึก โปรดเปรียบเทียบกับฉบับที่ใช้อยู่",
        "{name} changed this at {at}; nothing was written, compare it with the version in force",
    )
    name: Words
    at: Time


class CodeTaken(Refusal, Conflict):
    """A new definition with the key of one that is there."""

    code = "code-taken"
    words = Words("มีรหัส {id} อยู่แล้ว: {name}", "The code {id} is taken: {name}")
    id: str
    name: Words
    field: FieldName = "code"


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
    """``users``: what names it: other definitions, accounts and the like."""

    code = "definition-in-use"
    words = Words(
        "ลบ {name} ไม่ได้ เพราะยังใช้อยู่ใน: {users}", "{name} cannot be deleted; it is in use by: {users}"
    )
    name: Words
    users: Names


class WarningsToConfirm(Refusal, Conflict):
    """``warnings`` of the problem document: a problem for each. The same request with ``confirmed`` goes through."""

    code = "warnings-to-confirm"
    words = Words(
        "มีข้อที่ควรตรวจสอบก่อนบันทึก โปรดยืนยันหากถูกต้องแล้ว",
        "Some points need a look before this is saved; confirm it if they are right",
    )


class ConfigChanged(Refusal, Conflict):
    """Since the preview, a definition or the file has changed."""

    code = "config-changed"
    words = Words(
        "ข้อมูลเปลี่ยนไปหลังจากแสดงรายการเปลี่ยนแปลง ยังไม่มีการนำเข้า โปรดตรวจรายการใหม่",
        "Something has changed since the preview; nothing was imported, look at the changes again",
    )


class ConfigNotUnderstood(Refusal, BadRequestData):
    """``place``: where in the file. ``errors`` of the problem document: place and words of each fault."""

    code = "config-not-understood"
    words = Words(
        "ไฟล์ข้อกำหนดไม่ถูกต้องที่ {place}: {reason}", "The file of definitions is not valid at {place}: {reason}"
    )
    place: str
    reason: Words
    field: FieldName = "file"

    @classmethod
    def of(cls, faults: Sequence[tuple[str, Words]]) -> ConfigNotUnderstood:
        """``faults``: one or more."""
        place, reason = faults[0]
        refused = cls(place=place, reason=reason)
        refused.extra["errors"] = [{"place": at, "words": words.json()} for at, words in faults]
        return refused
