"""Secrets on disk: unreadable without the key, bound to hosts, and clear about a key that is missing, wrong or damaged."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from andaman.kernel.errors import BadRequestData, ResourceNotFound, Unavailable
from andaman.kernel.sealing import default_place, new_key, read_keys, seal, unseal, write_keys
from andaman.kernel.secrets import SecretRefused, Secrets, reference_in

MARK = "MARK-1f0c9d7e"
LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=30))
def test_a_sealed_text_opens_with_its_key_in_its_place_only(text: str, purpose: str, other: str) -> None:
    key, wrong = new_key(), new_key()
    token = seal(text, key, purpose)
    assert unseal(token, (wrong, key), purpose) == text
    assert seal(text, key, purpose) != token
    with pytest.raises(LookupError):
        unseal(token, (wrong,), purpose)
    if other != purpose:
        with pytest.raises(ValueError, match="belongs elsewhere"):
            unseal(token, (key,), other)


@given(st.integers(0, 51), st.sampled_from("ABCDabcd0189-_ =é"))
def test_a_sealed_text_that_was_changed_does_not_open(place: int, letter: str) -> None:
    key = new_key()
    head, _, token = seal("eleven char", key, "here").partition(".")
    assert len(token) == 52
    changed = token[:place] + letter + token[place + 1 :]
    assume(changed != token)
    with pytest.raises(ValueError, match="it was changed"):
        unseal(f"{head}.{changed}", (key,), "here")


def test_the_key_lies_next_to_the_directory_and_is_made_when_it_is_needed(tmp_path: Path) -> None:
    kept = Secrets(tmp_path / "data")
    assert kept.trouble() == kept.warning() == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    kept.set("mqtt", MARK, ["broker.example"])
    kept.close()
    assert kept.key_file == tmp_path / "data.key"
    assert stat.S_IMODE(kept.key_file.stat().st_mode) == 0o600
    (key,) = read_keys(kept.key_file)
    assert MARK.encode() not in everything_in(tmp_path)
    assert key.secret not in everything_in(tmp_path / "data")
    assert MARK not in repr(kept) + repr(key) + repr(kept.__dict__.get("_keys"))
    os.chmod(kept.key_file, 0o644)
    again = Secrets(tmp_path / "data")
    assert "chmod 600" in again.warning()
    again.close()


NAMES = st.sampled_from(["a", "b", "c.d-e_f"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, LINE),
        st.tuples(st.just("delete"), NAMES, st.just("")),
        st.tuples(st.just("rotate"), st.just(""), st.just("")),
        st.tuples(st.just("open"), st.just(""), st.just("")),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_a_name_reveals_what_was_set_last(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    """Law: set, delete, rotation and reopening in any order: like a dictionary."""
    data = tmp_path_factory.mktemp("law") / "data"
    kept, model = Secrets(data), dict[str, str]()
    for step, name, text in steps:
        if step == "set":
            kept.set(name, text, ["h"])
            model[name] = text
        elif step == "delete":
            if model.pop(name, None) is None:
                with pytest.raises(ResourceNotFound):
                    kept.delete(name)
            else:
                kept.delete(name)
        elif step == "rotate" and kept.key_file.exists():
            before = read_keys(kept.key_file)
            kept.rotate()
            after = read_keys(kept.key_file)
            assert len(after) == 1
            assert before[0] not in after
        else:
            kept.close()
            kept = Secrets(data)
        assert {one.name: one.opens for one in kept.list_all()} == dict.fromkeys(model, True)
        for known, expected in model.items():
            assert kept.reveal(known, "h", 1) == expected
    kept.close()


def test_a_secret_goes_to_its_hosts_only(tmp_path: Path) -> None:
    kept = Secrets(tmp_path / "data")
    kept.set("one", MARK, ["Example.org", "10.0.0.5:1883", "[::1]"])
    assert kept.reveal("one", "EXAMPLE.org", 443) == kept.reveal("one", "10.0.0.5", 1883) == MARK
    assert kept.reveal("one", "::1", 80) == MARK
    assert kept.filled("Bearer secret:one", "example.org", 80) == f"Bearer {MARK}"
    assert kept.filled("Bearer other", "elsewhere.org", 80) == "Bearer other"
    for host, port in (("example.org.evil.net", 443), ("10.0.0.5", 1884), ("", 80)):
        with pytest.raises(SecretRefused, match="may not be sent to") as refused:
            kept.filled("secret:one", host, port)
        assert MARK not in str(refused.value.problem())
    with pytest.raises(SecretRefused, match="the secret two is not set".capitalize()):
        kept.reveal("two", "example.org", 443)
    kept.close()


@pytest.mark.parametrize(
    ("name", "text", "hosts"),
    [
        ("", MARK, ["h"]), ("a b", MARK, ["h"]), ("?", MARK, ["h"]), ("x" * 65, MARK, ["h"]), ("a", "", ["h"]),
        ("a", f"{MARK}\n", ["h"]), ("a", MARK * 900, ["h"]), ("a", MARK, []), ("a", MARK, ["http://h/"]),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_without_the_text(
    tmp_path: Path, name: str, text: str, hosts: list[str]
) -> None:
    kept = Secrets(tmp_path / "data")
    with pytest.raises(BadRequestData) as refused:
        kept.set(name, text, hosts)
    assert MARK not in str(refused.value.problem())
    assert not kept.key_file.exists()
    kept.close()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("secret:a", "a"), ("Bearer secret:a-b.c", "a-b.c"), ("secret:?", "?"), ("secret:", None), ("xsecret:a", None),
        ("secret:a b", None), ("", None), ("secret:a\n", None), ("Bearer abc", None),
    ],
)  # fmt: skip
def test_a_reference_stands_at_the_end_of_a_text(text: str, name: str | None) -> None:
    assert reference_in(text) == name


def test_a_change_by_another_process_counts_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("andaman.kernel.secrets.time.monotonic", lambda: now)
    kept, other = Secrets(tmp_path / "data"), Secrets(tmp_path / "data")
    other.set("one", "old", ["h"])
    assert kept.reveal("one", "h", 1) == "old"
    other.set("one", "new", ["h"])
    now += 1.1
    assert kept.reveal("one", "h", 1) == "new"
    other.delete("one")
    now += 1.1
    with pytest.raises(SecretRefused, match="is not set"):
        kept.reveal("one", "h", 1)
    kept.close()
    other.close()


# -- keys that are not what they should be ----------------------------------------------------------------------
def with_secret(data: Path) -> Secrets:
    kept = Secrets(data)
    kept.set("one", MARK, ["h"])
    kept.close()
    return Secrets(data)


def test_without_the_key_nothing_opens_and_no_other_key_is_made(tmp_path: Path) -> None:
    kept = with_secret(tmp_path / "data")
    (key,) = read_keys(kept.key_file)
    kept.key_file.rename(tmp_path / "elsewhere")
    assert "is missing" in kept.trouble()
    for work in (lambda: kept.reveal("one", "h", 1), lambda: kept.set("two", MARK, ["h"]), kept.rotate):
        with pytest.raises(Unavailable, match=f"The key file {kept.key_file} is missing"):
            work()
    assert not kept.key_file.exists()
    assert [(one.name, one.opens) for one in kept.list_all()] == [("one", False)]
    write_keys(kept.key_file, [new_key()])
    assert f"has none with the id {key.id}" in kept.trouble()
    with pytest.raises(SecretRefused, match="has none with the id"):
        kept.reveal("one", "h", 1)
    (tmp_path / "elsewhere").replace(kept.key_file)  # put back while the platform runs
    assert kept.reveal("one", "h", 1) == MARK
    assert kept.trouble() == ""
    kept.close()


@pytest.mark.parametrize("content", [b"", b"andaman-key-1 AAAA\n", b"\xff\xfe", b"andaman-key-2 x\n", b"#\n"])
def test_a_damaged_key_file_is_said_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    kept = with_secret(tmp_path / "data")
    kept.key_file.write_bytes(content)
    assert f"The key file {kept.key_file}" in kept.trouble()
    with pytest.raises(SecretRefused, match="The key file"):
        kept.reveal("one", "h", 1)
    kept.close()


def test_a_lost_key_can_be_given_up(tmp_path: Path) -> None:
    kept = with_secret(tmp_path / "data")
    kept.key_file.unlink()
    kept.give_up_key()
    assert kept.trouble() == ""
    with pytest.raises(SecretRefused, match="does not have the key that sealed it"):
        kept.reveal("one", "h", 1)
    kept.set("one", "new", ["h"])
    assert kept.reveal("one", "h", 1) == "new"
    kept.rotate()
    kept.close()


def test_a_key_that_cannot_be_written_is_refused_with_the_setting_that_helps(tmp_path: Path) -> None:
    kept = Secrets(tmp_path / "data", tmp_path / "missing" / "key")
    with pytest.raises(Unavailable, match="secrets_key names another place"):
        kept.set("one", MARK, ["h"])
    assert kept.list_all() == []
    kept.close()


def test_the_place_of_a_directory_does_not_depend_on_how_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    assert default_place(tmp_path / "link") == default_place(tmp_path / "data" / ".." / "data")
