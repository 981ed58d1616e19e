"""Machine code never runs in place of a source that says something else."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman import cli
from andaman.kernel import compiled
from andaman.kernel.compiled import RECORD, Compiled, digest, state
from tests.interpreted import FromSource

ROOT = Path(__file__).parents[2]
SUFFIX = ".cpython-311-test.so"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("andaman_compile", ROOT / "scripts" / "compile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(package: Path, texts: dict[str, bytes], suffix: str = SUFFIX) -> None:
    for name, text in texts.items():
        (package / name).write_bytes(text)
        (package / name).with_suffix(suffix).touch()
    sources = {name: digest(package / name) for name in texts}
    (package / RECORD).write_text(json.dumps({"suffix": suffix, "sources": sources}))


@given(
    before=st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), st.binary(max_size=40)),
    after=st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), st.none() | st.binary(max_size=40)),
)
def test_a_source_that_changed_or_went_is_stale_and_no_other(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, bytes],
    after: dict[str, bytes | None],
) -> None:
    package = tmp_path_factory.mktemp("package")
    record(package, before)
    for name, text in after.items():
        if text is None:
            (package / name).unlink(missing_ok=True)
        else:
            (package / name).write_bytes(text)
    changed = {name for name, text in after.items() if name in before and text != before[name]}
    assert state(package, SUFFIX) == Compiled(tuple(sorted(before)), tuple(sorted(changed)))


def test_code_for_another_interpreter_counts_as_none(tmp_path: Path) -> None:
    record(tmp_path, {"a.py": b"x = 1"}, suffix=".cpython-399-test.so")
    assert state(tmp_path, SUFFIX) == Compiled((), ())


def test_what_was_not_finished_counts_as_none(tmp_path: Path) -> None:
    record(tmp_path, {"a.py": b"x = 1", "b.py": b"x = 2"})
    (tmp_path / f"a{SUFFIX}").unlink()
    (tmp_path / "a.py").write_bytes(b"x = 3")
    assert state(tmp_path, SUFFIX) == Compiled(("b.py",), ())


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"suffix": 1}', '{"sources": {}}', "\x00"])
def test_without_a_whole_record_nothing_counts_as_compiled(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / RECORD).write_text(text)
    assert state(tmp_path, SUFFIX) == Compiled((), ())


def test_the_program_does_not_start_on_stale_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = Compiled(("broker/a.py", "broker/b.py"), ("broker/b.py",))
    monkeypatch.setattr(compiled, "of_this_program", lambda: found)
    assert cli.main(["doctor", "--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "broker/b.py" in told
    assert "broker/a.py" not in told
    assert "make compiled" in told


def test_what_is_compiled_is_there_and_waits_for_nothing() -> None:
    """Coroutines gain nothing by it."""
    listed = script()
    for module in listed.MODULES:
        tree = ast.parse((listed.PACKAGE / module).read_text(encoding="utf-8"))
        waits = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
        assert not waits, module


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no-such-compiler" in script().missing()
    assert "apt install" in script().missing()


def test_laws_can_be_asked_of_the_sources_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"part{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"no machine code")
    (tmp_path / "part.py").write_text("ANSWER = 42\n")
    found = FromSource().find_spec("andaman.part", [str(tmp_path)])
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert module.ANSWER == 42
    assert FromSource().find_spec("json", list(sys.path)) is None


def test_numbers_of_data_are_not_declared_as_float() -> None:
    """Machine code makes a float of an integer then, and large ones lose digits: ``int | float`` keeps it."""
    listed = script()
    for module in listed.MODULES:
        for node in ast.walk(ast.parse((listed.PACKAGE / module).read_text(encoding="utf-8"))):
            said: list[ast.expr | None] = []
            match node:
                case ast.arg(annotation=found) | ast.FunctionDef(returns=found):
                    said = [found]
                case ast.AnnAssign(annotation=found):
                    said = [found]
            names = [one.id for one in said if isinstance(one, ast.Name)]
            assert "float" not in names, f"{module}:{node.lineno}"  # type: ignore[attr-defined]
