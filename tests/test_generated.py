"""Files made from code are up to date, and laws of every error class that people or programs meet."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from andaman.kernel.errors import AndamanError
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import kinds_of

_ROOT = Path(__file__).parents[1]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_generated", _ROOT / "scripts/make_generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED = _script()
CLASSES: list[type[AndamanError]] = GENERATED.error_classes()


@pytest.mark.parametrize("name", GENERATED.OUTPUTS)
def test_file_is_up_to_date(name: str) -> None:
    """A generated file is what its function makes now; `make generated` writes it."""
    assert (_ROOT / name).read_text("utf-8") == GENERATED.OUTPUTS[name]()


def test_codes_are_unique() -> None:
    counted = Counter(one.code for one in CLASSES)
    assert [code for code, count in counted.items() if count > 1] == []
    assert len(counted) > 20


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.code)
def test_words_are_in_both_languages_with_equal_placeholders(one: type[AndamanError]) -> None:
    """Thai words are in Thai letters, English ones are not; both have the same placeholders, which are parameters."""
    names = one.words.placeholders()  # raises where the languages differ
    assert names <= (one.parameters.keys() if issubclass(one, Refusal) else set())
    thai = {char for char in one.words.th if "\u0e00" <= char <= "\u0e7f"}
    assert thai
    assert not any("\u0e00" <= char <= "\u0e7f" for char in one.words.en)


@pytest.mark.parametrize(
    "one", [one for one in CLASSES if issubclass(one, Refusal)], ids=lambda one: one.code
)
def test_every_refusal_has_a_code_words_and_parameters_of_its_own(one: type[Refusal]) -> None:
    """A class without words of its own would speak with those of its kind. Screens know every kind of parameter."""
    assert {"code", "words"} <= vars(one).keys()
    assert set(kinds_of(one, one.parameters).values()) <= {
        "name",
        "names",
        "state",
        "states",
        "field",
        "time",
        "day",
        "number",
        "text",
    }
    assert one.status >= 400
    assert one.kind


def test_rooms_that_people_use_name_states_and_limits_by_codes() -> None:
    """People meet these at screens: no room raises the bare class, which would say only that something is not allowed."""
    bare = {"Conflict", "AlreadyExists", "TooManyRequests"}
    rooms = [
        "assessment",
        "catalogue",
        "command",
        "doors/live",
        "identity",
        "ingest",
        "programme",
        "roadmap",
        "training",
    ]
    found = [
        f"{path}:{node.lineno}"
        for room in rooms
        for path in (_ROOT / "src/andaman" / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in bare
    ]
    assert found == []


def test_a_refusal_is_a_class_with_a_code() -> None:
    """No refusal is without a code of its own, or it would be missing in the generated file."""

    def below(base: type[Refusal]) -> list[type[Refusal]]:
        return [*base.__subclasses__(), *(two for one in base.__subclasses__() for two in below(one))]

    assert [
        one for one in below(Refusal) if "code" not in vars(one) and one.__module__[:7] == "andaman"
    ] == []
