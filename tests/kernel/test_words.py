"""Words in two languages, and errors that are made of them."""

from __future__ import annotations

import pytest

from andaman.kernel.errors import BadRequestData, Conflict
from andaman.kernel.refusals import FieldMissing, NumberOutOfRange, Refusal
from andaman.kernel.words import State, Words, kinds_of


class _Busy(Refusal, Conflict):
    code = "test-busy"
    words = Words("{unit}อยู่ในสถานะ {state}", "{unit} is {state}")
    unit: Words
    state: State
    note: str = ""


def test_words_are_filled_once_in_each_language() -> None:
    """Names take the half of the language; braces within a value are never filled."""
    words = Words("{a} กับ {b}", "{b} with {a} and {c}")
    filled = words.fill({"a": Words("ก", "A {b}"), "b": 2.5})
    assert filled == Words("ก กับ 2.5", "2.5 with A {b} and {c}")


@pytest.mark.parametrize("words", [Words("ไทย {a}", "English"), Words("", "English"), Words("ไทย", " ")])
def test_unequal_or_empty_words_are_refused(words: Words) -> None:
    with pytest.raises(ValueError, match=r"placeholders|both languages"):
        words.placeholders()


def test_a_refusal_is_its_words_and_parameters() -> None:
    """`detail` is the English text; the document carries code and parameters, names in both languages."""
    error = _Busy(unit=Words("รถพยาบาล 3", "Ambulance 3"), state="enRoute")
    assert error.detail == "Ambulance 3 is enRoute"
    assert error.problem() == {
        "type": Conflict.kind,
        "title": Conflict.title,
        "status": 409,
        "detail": "Ambulance 3 is enRoute",
        "code": "test-busy",
        "params": {"unit": {"th": "รถพยาบาล 3", "en": "Ambulance 3"}, "state": "enRoute", "note": ""},
    }
    assert kinds_of(_Busy, _Busy.parameters) == {"unit": "name", "state": "state", "note": "text"}


def test_field_and_allowed_are_members_of_the_document_too() -> None:
    problem = NumberOutOfRange(field="limit", low=1, high=2.5).problem()
    assert problem["field"] == "limit"
    assert problem["detail"] == "limit must be a number from 1 to 2.5"
    assert isinstance(FieldMissing(field="text"), BadRequestData)


def test_other_errors_have_the_code_of_their_class() -> None:
    problem = BadRequestData("The third member is odd", field="x").problem()
    assert (problem["code"], problem["field"]) == ("bad-request-data", "x")
    assert "params" not in problem


@pytest.mark.parametrize("params", [{}, {"unit": Words("ก", "a")}, {"unit": 1, "state": "x", "more": 1}])
def test_missing_and_unknown_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        _Busy(**params)  # type: ignore[arg-type]


def test_words_without_a_parameter_are_refused() -> None:
    with pytest.raises(TypeError, match="unit"):

        class _Odd(Refusal, Conflict):
            code = "test-odd"
            words = Words("{unit}", "{unit}")
