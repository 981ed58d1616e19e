"""Errors with parameters, for people at screens: code, words in Thai and English, and what the words speak of.

    class UnitNotAvailable(Refusal, Conflict):
        code = "unit-not-available"
        words = Words("{unit}อยู่ในสถานะ “{state}” จึงไม่ว่าง", "{unit} is {state}, not available")
        unit: Words
        state: State

    raise UnitNotAvailable(unit=name, state="enRoute")

A room declares its own in ``problems.py``. ``make generated`` writes the screens' words from all of them.
"""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, ClassVar, Final, dataclass_transform

from andaman.kernel.errors import AndamanError, BadRequestData, Conflict
from andaman.kernel.words import FieldName, States, Words, json_of, json_params

MEMBERS: Final = ("field", "allowed", "retryAfter")
"""Parameters that are members of the problem document itself too."""
_REQUIRED: Final = object()


@dataclass_transform(kw_only_default=True, eq_default=False)
class Refusal(AndamanError):
    """Its parameters are the annotated names of its class, given by keyword. Raises TypeError for others.

    The words may use every parameter as a placeholder. ``detail`` is the English text.
    """

    parameters: ClassVar[dict[str, Any]] = {}
    """Name → default value."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: cls.__dict__.get(name, _REQUIRED) for name in get_annotations(cls)}
        cls.parameters = {**cls.parameters, **own}
        if unknown := cls.words.placeholders() - cls.parameters.keys():
            raise TypeError(f"The words of {cls.__name__} use {sorted(unknown)}, which it does not have")

    def __init__(self, **params: Any) -> None:
        if unknown := params.keys() - self.parameters.keys():
            raise TypeError(f"{type(self).__name__} has no parameter {sorted(unknown)}")
        found = {name: params.get(name, default) for name, default in self.parameters.items()}
        if missing := [name for name, given in found.items() if given is _REQUIRED]:
            raise TypeError(f"{type(self).__name__} needs {missing}")
        self.params: dict[str, Any] = found
        vars(self).update(found)
        extra = {name: json_of(found[name]) for name in MEMBERS if name in found}
        AndamanError.__init__(self, self.words.english(found), **extra)

    def problem(self) -> dict[str, Any]:
        return {**super().problem(), "params": json_params(self.params)}


# -- of every form -------------------------------------------------------------------------------------------


class FieldMissing(Refusal, BadRequestData):
    code = "field-missing"
    words = Words("โปรดกรอก{field}", "{field} is missing")
    field: FieldName


class FieldTooLong(Refusal, BadRequestData):
    """The text is longer than ``limit`` characters, or has control characters."""

    code = "field-too-long"
    words = Words(
        "{field}ยาวเกิน {limit} ตัวอักษร หรือมีอักขระที่ใช้ไม่ได้",
        "{field} must be at most {limit} characters without control characters",
    )
    field: FieldName
    limit: int


class NumberOutOfRange(Refusal, BadRequestData):
    code = "number-out-of-range"
    words = Words("{field}ต้องเป็นตัวเลขตั้งแต่ {low} ถึง {high}", "{field} must be a number from {low} to {high}")
    field: FieldName
    low: float
    high: float


class NotAWholeNumber(Refusal, BadRequestData):
    code = "not-a-whole-number"
    words = Words(
        "{field}ต้องเป็นจำนวนเต็มตั้งแต่ {low} ถึง {high}", "{field} must be a whole number from {low} to {high}"
    )
    field: FieldName
    low: int
    high: int


class NotATime(Refusal, BadRequestData):
    code = "not-a-time"
    words = Words(
        "{field}ต้องเป็นวันเวลาพร้อมเขตเวลา เช่น 2026-11-22T07:32:00Z",
        "{field} must be a date and time with its zone, such as 2026-11-22T07:32:00Z",
    )
    field: FieldName


class EndNotAfterBegin(Refusal, BadRequestData):
    code = "end-not-after-begin"
    words = Words("เวลาสิ้นสุดต้องอยู่หลังเวลาเริ่มต้น", "The end must be later than the beginning")
    field: FieldName = "to"


class NotAChoice(Refusal, BadRequestData):
    """The value is none of ``choices``, which are codes."""

    code = "not-a-choice"
    words = Words("{field}ต้องเป็นค่าใดค่าหนึ่งต่อไปนี้: {choices}", "{field} must be one of {choices}")
    field: FieldName
    choices: States


class ChangedMeanwhile(Refusal, Conflict):
    code = "changed-meanwhile"
    words = Words(
        "มีผู้แก้ไขรายการนี้พร้อมกันหลายคน ยังไม่มีการบันทึก โปรดลองอีกครั้ง",
        "Too many people changed this at once; nothing was written, try again",
    )
