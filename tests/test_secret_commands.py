"""``andaman secret``: the text comes from standard input and is never shown again."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from andaman.cli import main
from andaman.keeping.room import SecretSettings, open_secrets

from .support import platform, run

MARK = "MARK-7c1d02aa"


def secret(monkeypatch: pytest.MonkeyPatch, data: Path, *words: str, text: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return main(["secret", *words, "--data", str(data)])


def test_a_secret_is_set_listed_and_deleted_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert secret(monkeypatch, data, "set", "one", "--host", "example.org", text=f"{MARK}\n") == 0
    said = capsys.readouterr()
    assert "one is set" in said.out
    assert f"The key was made: {data}.key" in said.err
    kept = open_secrets(data, SecretSettings())
    assert kept.reveal("one", "example.org", 443) == MARK
    kept.close()
    assert secret(monkeypatch, data, "list") == 0
    shown = capsys.readouterr()
    assert "one  set 20" in shown.out
    assert "for example.org" in shown.out
    (tmp_path / "data.key").rename(tmp_path / "away")
    assert secret(monkeypatch, data, "list") == 0
    closed = capsys.readouterr()
    assert "DOES NOT OPEN" in closed.out
    assert "is missing" in closed.err
    assert secret(monkeypatch, data, "set", "two", "--host", "h", text=MARK) == 1
    assert "is missing" in capsys.readouterr().err
    assert secret(monkeypatch, data, "delete", "one") == 0
    assert secret(monkeypatch, data, "delete", "one") == 1
    assert secret(monkeypatch, data, "list") == 0
    assert MARK not in str([said, shown, closed, capsys.readouterr()])


def test_a_text_as_an_argument_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        secret(monkeypatch, tmp_path, "set", "one", MARK, "--host", "h")


def test_without_a_data_directory_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret(monkeypatch, tmp_path / "none", "set", "one", "--host", "h", text=MARK) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_audit_has_every_change_and_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, listed = tmp_path / "data", []

    async def start() -> None:
        async with platform(data) as app:
            listed.extend(app.identity.store.list_audit(limit=50))

    run(start)
    listed.clear()
    assert secret(monkeypatch, data, "set", "one", "--host", "h", text=MARK) == 0
    assert secret(monkeypatch, data, "rotate") == 0
    assert secret(monkeypatch, data, "delete", "one") == 0
    run(start)
    done = [(one.action, one.target, one.actor) for one in listed if one.action.startswith("secret.")]
    assert sorted(done) == [
        ("secret.delete", "secret:one", "system:cli"),
        ("secret.rotate-key", "", "system:cli"),
        ("secret.set", "secret:one", "system:cli"),
    ]
    assert MARK not in repr(listed)
