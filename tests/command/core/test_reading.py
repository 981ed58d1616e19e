"""Bodies of commands: whatever arrives becomes a command or a refusal that names the member."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.command.core.reading import Form, read_form
from andaman.command.dispatch.commands import AssignUnit, SetUnitStatus, TakeAssignmentStep
from andaman.command.incidents.commands import AddNote, CheckItem, OpenIncident, TakeIncidentStep
from andaman.command.signals.commands import Acknowledge, CloseAlert, PutRule
from andaman.kernel.errors import BadRequestData

COMMANDS: dict[type[Form], str] = {
    Acknowledge: "alert",
    CloseAlert: "alert",
    OpenIncident: "",
    TakeIncidentStep: "incident",
    AddNote: "incident",
    CheckItem: "incident",
    AssignUnit: "incident",
    TakeAssignmentStep: "assignment",
    SetUnitStatus: "unit",
    PutRule: "rule",
}
SAMPLES = [
    "fire", "Severe", "closed", "clear", "available", " ", "urn:ngsi-ld:EmergencyUnit:a1",
    {"type": "Point", "coordinates": [98.3, 7.9]}, {"th": "ไฟ", "en": "Lights"},
]  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(SAMPLES) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "th", "en", "x"]), inner)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", COMMANDS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_body_becomes_a_command_or_a_refusal(kind: type[Form], data: st.DataObject) -> None:
    """The command has the types and bounds that its class declares."""
    names = [one.encode_name for one in msgspec.structs.fields(kind) if one.name != COMMANDS[kind]]
    body = data.draw(values | st.fixed_dictionaries({}, optional=dict.fromkeys(names, values)))
    given_ = {COMMANDS[kind]: "urn:x:1"} if COMMANDS[kind] else {}
    try:
        command = read_form(kind, body, **given_)
    except BadRequestData:
        return
    assert msgspec.convert(msgspec.to_builtins(command), kind) == command


@pytest.mark.parametrize(
    ("kind", "body", "field", "code"),
    [
        (TakeIncidentStep, {}, "step", "field-missing"),
        (TakeIncidentStep, {"step": "flying"}, "step", "not-a-choice"),
        (TakeIncidentStep, {"step": "closed", "note": "x" * 4001}, "note", "field-too-long"),
        (AddNote, {"text": " \n"}, "text", "field-missing"),
        (AddNote, {"text": "\x00"}, "text", "field-too-long"),
        (CheckItem, {"item": {"th": "ไฟ"}}, "en", "field-missing"),
        (PutRule, {"name": {"en": "x" * 301}, "definition": {}}, "en", "field-too-long"),
        (SetUnitStatus, {"status": "enRoute"}, "status", "not-a-choice"),
    ],
)
def test_refusals_have_the_field_and_a_code(
    kind: type[Form], body: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(BadRequestData) as refused:
        read_form(kind, body, **{COMMANDS[kind]: "urn:x:1"})
    problem = refused.value.problem()
    assert (problem["field"], problem["code"]) == (field, code)


def test_the_path_is_not_in_the_body() -> None:
    """The id of the path cannot be replaced by a member of the body."""
    with pytest.raises(BadRequestData, match="incident is not known here"):
        read_form(AddNote, {"text": "x", "incident": "urn:x:2"}, incident="urn:x:1")
