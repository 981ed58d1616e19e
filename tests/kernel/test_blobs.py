"""Laws of large objects: complete or absent, one file for equal content, gone when nobody needs them, within their quotas; also
after a kill at any moment."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.kernel.blobs import KIND, BlobClass, Blobs, Quotas
from andaman.kernel.errors import Conflict, ResourceNotFound, TooLarge, Unavailable
from andaman.kernel.tables import Store
from andaman.kernel.time import Micros

LETTER, UPLOAD = BlobClass("letter", 40), BlobClass("upload", 1 << 20)
SMALL = Quotas(60, 100)
WIDE = Quotas(1 << 30, 1 << 30)


class Hand:
    """A clock that moves when it is set."""

    now: Micros = 1000

    def __call__(self) -> Micros:
        return self.now


def files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "blobs").glob("**/*") if path.is_file()}


def parts(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from("xy"), st.sampled_from([b"", b"a", b"bb" * 9, b"c" * 39, b"d" * 40, b"e" * 41])),
    st.tuples(st.just("lasting"), st.sampled_from("xy"), st.sampled_from([b"a", b"f" * 30])),
    st.tuples(st.just("release"), st.integers(0, 9), st.none()),
    st.tuples(st.just("retain"), st.integers(0, 9), st.none()),
    st.tuples(st.just("later"), st.integers(1, 60), st.none()),
    st.tuples(st.just("sweep"), st.none(), st.none()),
    st.tuples(st.just("open"), st.none(), st.none()),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(STEP, max_size=25), st.integers(1, 50))
def test_any_steps_leave_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object, object]], width: int
) -> None:
    """The model: reference → (owner, content, expiry). Quotas refuse exactly what does not fit."""
    data, clock = tmp_path_factory.mktemp("law") / "data", Hand()
    blobs, model = Blobs(data, SMALL, clock), dict[str, tuple[str, bytes, Micros | None]]()
    for step, first, second in steps:
        if step in ("put", "lasting"):
            owner, body = str(first), second
            assert isinstance(body, bytes)
            expires = None if step == "lasting" else clock.now + 50
            mine = {content for who, content, _ in model.values() if who == owner} | {body}
            every = {content for _, content, _ in model.values()} | {body}
            fits = sum(map(len, mine)) <= SMALL.of_owner and sum(map(len, every)) <= SMALL.in_all
            try:
                blob = blobs.put(parts(body, width), LETTER, owner, expires=expires)
            except TooLarge:
                assert len(body) > LETTER.largest
            except Conflict:
                assert not fits
            else:
                assert fits
                assert len(body) <= LETTER.largest
                assert (blob.digest, blob.size) == (hashlib.sha256(body).hexdigest(), len(body))
                model[blob.ref] = owner, body, expires
        elif step == "release":
            gone = list(model)[: int(str(first))]
            blobs.release([*gone, "unknown"])
            model = {ref: one for ref, one in model.items() if ref not in gone}
        elif step == "retain":
            kept = list(model)[int(str(first)) :]
            blobs.retain(LETTER, kept)
            model = {ref: model[ref] for ref in kept}
        elif step == "later":
            clock.now += int(str(first))
        elif step == "open":
            blobs.close()
            blobs = Blobs(data, SMALL, clock)
        else:
            blobs.sweep()
            model = {ref: one for ref, one in model.items() if one[2] is None or one[2] > clock.now}
        for ref, (_, body, expires) in model.items():
            if expires is None or expires > clock.now:
                assert blobs.read(ref) == body
            else:
                assert blobs.find(ref) is None
        assert files(data) == {hashlib.sha256(body).hexdigest(): body for _, body, _ in model.values()}
    blobs.close()


def test_a_stream_is_bounded_while_it_comes_and_leaves_nothing(tmp_path: Path) -> None:
    """A body without end is refused at its limit, with no more of it in memory or on disk than that."""
    blobs, sent = Blobs(tmp_path, WIDE), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise ConnectionResetError

    async def work() -> None:
        with pytest.raises(TooLarge, match="at most 1048576 bytes"):
            await blobs.put_stream(endless(), UPLOAD, "me")
        with pytest.raises(ConnectionResetError):
            await blobs.put_stream(broken(), UPLOAD, "me")

    asyncio.run(work())
    assert sent <= UPLOAD.largest + 65_536
    assert files(tmp_path) == {}
    assert blobs.list_of("me") == []
    blobs.close()


def test_a_stream_is_kept_with_all_that_was_said_of_it(tmp_path: Path) -> None:
    clock = Hand()
    blobs = Blobs(tmp_path, WIDE, clock)

    async def body() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    blob = asyncio.run(blobs.put_stream(body(), UPLOAD, "me", media_type="text/plain", expires=5000))
    assert blobs.find(blob.ref) == blob
    assert (blob.owner, blob.kind, blob.media_type, blob.at, blob.expires) == (
        "me",
        "upload",
        "text/plain",
        1000,
        5000,
    )
    with blobs.open(blob.ref) as content:
        assert content.read() == b"one two"
    (name,) = files(tmp_path)
    assert stat.S_IMODE((tmp_path / "blobs" / name[:2] / name).stat().st_mode) == 0o600
    clock.now = 5000
    with pytest.raises(ResourceNotFound):
        blobs.open(blob.ref)
    blobs.close()


def test_a_damaged_file_is_not_read_and_is_mended_by_the_same_content(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, WIDE)
    blob = blobs.put([b"content"], UPLOAD, "me")
    path = tmp_path / "blobs" / blob.digest[:2] / blob.digest
    path.write_bytes(b"c0ntent")
    with pytest.raises(Unavailable, match="is damaged"):
        blobs.read(blob.ref)
    blobs.put([b"content"], UPLOAD, "you")
    assert blobs.read(blob.ref) == b"content"
    path.unlink()
    with pytest.raises(Unavailable):
        blobs.read(blob.ref)
    blobs.sweep()
    assert blobs.find(blob.ref) is None
    blobs.close()


def test_a_lost_list_sets_the_objects_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blobs = Blobs(tmp_path, WIDE)
    blobs.put([b"content"], UPLOAD, "me")
    blobs.close()
    for path in tmp_path.glob("blobs.db*"):
        path.unlink()
    blobs = Blobs(tmp_path, WIDE)
    assert "set aside as blobs.damaged" in caplog.text
    assert len(list((tmp_path / "blobs.damaged").glob("*/*"))) == 1
    blobs.close()


def test_threads_that_put_and_release_the_same_content_never_lose_it(tmp_path: Path) -> None:
    """Who holds a reference always finds the content."""
    blobs, faults = Blobs(tmp_path, WIDE), list[BaseException]()

    def work(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(40):
                body = bytes([dice.randrange(3)]) * 100
                ref = blobs.put([body], UPLOAD, "me").ref
                assert blobs.read(ref) == body
                blobs.release([ref])
                if dice.random() < 0.2:
                    blobs.sweep()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert files(tmp_path) == {}
    blobs.close()


# -- kills ----------------------------------------------------------------------------------------------------------
def churn(data: Path, seed: int, say: Callable[[str], None]) -> None:
    """Puts and releases objects for ever; "+ref digest" once kept, "-ref" before it is given back."""
    blobs, dice, mine = Blobs(data, WIDE), random.Random(seed), list[str]()
    blobs.sweep()
    say("begun")
    while True:
        body = dice.randbytes(dice.choice([10, 1000, 200_000])) if dice.random() < 0.7 else b"same" * 1000
        blob = blobs.put(parts(body, 4096), UPLOAD, "me")
        say(f"+{blob.ref} {hashlib.sha256(body).hexdigest()}")
        mine.append(blob.ref)
        if len(mine) > 5:
            gone = [mine.pop(dice.randrange(len(mine))) for _ in range(3)]
            say("-" + " ".join(gone))
            blobs.release(gone)


def lines(stream: Iterator[str]) -> list[str]:
    return [line[:-1] for line in stream if line.endswith("\n")]


def test_a_kill_leaves_every_kept_object_whole_and_nothing_else(tmp_path: Path) -> None:
    """ANDAMAN_KILLS: how many."""
    data, dice, kept = tmp_path / "data", random.Random(5), dict[str, str]()
    for number in range(int(os.environ.get("ANDAMAN_KILLS", "5"))):
        worker = subprocess.Popen(
            [sys.executable, "-P", "-c", "import sys; from pathlib import Path; from functools import partial; "
             "from tests.kernel.test_blobs import churn; churn(Path(sys.argv[1]), int(sys.argv[2]), partial(print, flush=True))",
             str(data), str(number)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        time.sleep(dice.random() / 5)
        worker.send_signal(signal.SIGKILL)
        for line in lines(worker.stdout):
            if line[0] == "+":
                ref, digest = line[1:].split()
                kept[ref] = digest
            else:
                for ref in line[1:].split():
                    kept.pop(ref)
        worker.wait()
        store = Store(data / KIND.file, KIND)  # before anything is swept: a reference has a complete file
        listed = dict(store.rows("SELECT ref, digest FROM reference"))
        store.close()
        found = files(data)
        assert all(hashlib.sha256(found[digest]).hexdigest() == digest for digest in listed.values())
        assert kept.items() <= listed.items()
        blobs = Blobs(data, WIDE)
        blobs.sweep()
        assert set(files(data)) == set(listed.values())
        kept = listed  # one whose giving back was cut off is still held; so is one that was kept and not said
        blobs.close()
    assert kept
    shutil.rmtree(data)
