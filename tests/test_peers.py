"""``make peers`` lists skipped peers with a reason, and fails where one disagrees."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("peers", ROOT / "scripts/peers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["peers"] = module
    spec.loader.exec_module(module)
    return module


PEERS = _script()


def peer(name: str, code: int, missing: str = "") -> object:
    command = [sys.executable, "-c", f"raise SystemExit({code})"]
    return PEERS.Peer(name, "a thing", command, lambda: missing)


@pytest.mark.parametrize(("code", "wanted"), [(0, 0), (3, 1)])
def test_a_peer_that_disagrees_fails_and_a_missing_one_is_skipped(
    capfd: pytest.CaptureFixture[str], code: int, wanted: int
) -> None:
    known = [peer("one", code), peer("two", 1, "it is not here")]
    assert PEERS.main([], known) == wanted
    said = capfd.readouterr().out
    assert "skipped   two: it is not here" in said
    assert f"{'DISAGREES' if code else 'agrees'} one" in " ".join(said.split())


def test_every_command_names_files_that_are_there() -> None:
    for one in PEERS.peers():
        for word in one.command:
            if word.startswith(("tests/", "scripts/")):
                assert (ROOT / word).exists(), word


def test_the_suite_and_the_broker_must_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANDAMAN_BENCH_PEER", raising=False)
    monkeypatch.setenv("SUITE", str(tmp_path / "none"))
    assert "no folder" in PEERS.suite()
    assert "ANDAMAN_BENCH_PEER" in PEERS.broker()
    monkeypatch.setenv("SUITE", str(tmp_path))
    assert PEERS.suite() == ""
