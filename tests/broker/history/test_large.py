"""Laws of large values: they reach history live and when it is made again, answers with them are bounded, and what cannot be taken at
all is set aside so that everything else goes on.

``ANDAMAN_TEXTS`` sets how many texts of 250 KB (default 1,000; 10,000 is the whole law).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import iri
from andaman.broker.history import History
from andaman.broker.history.rows.large_texts import ANSWER_CHARS, LARGE
from andaman.broker.history.rows.rows import iso
from andaman.broker.history.segments import pieces as cutting
from andaman.broker.history.segments import store, upkeep
from andaman.broker.ledger.doctor import doctor
from andaman.broker.ledger.feeder import Feeder
from andaman.broker.ledger.journal import JournalPool
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Change, Doc, Event, EventKind
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.query.parse_q import parse_q
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import TooManyResults
from tests.broker.ledger.world import SPEED, SYSTEM, create, put, urn, with_broker
from tests.served import Served, served

TEXTS = int(os.environ.get("ANDAMAN_TEXTS", "1000"))
SIZE = 250_000
START = 1_790_000_000_000_000
NOTE = "https://example.org/note"


def text(n: int, size: int) -> str:
    return f"{n:07d}" + "x" * (size - 7)


# -- served ----------------------------------------------------------------------------------------------------------
def _write(platform: Served) -> None:
    for start in range(0, TEXTS, 25):
        told = [
            {
                "id": urn(n % 25),
                "type": "Camera",
                "picture": {"type": "Property", "value": text(n, SIZE), "observedAt": iso(START + n)},
            }
            for n in range(start, min(start + 25, TEXTS))
        ]
        assert platform.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", told)[0] in (201, 204)


def _read(platform: Served, cameras: int) -> None:
    """Every text of so many cameras is there: page by page, each answer bounded."""
    seen: list[int] = []
    for camera in range(cameras):
        after = iso(START - 1)
        while True:
            status, found, _ = platform.ask(
                "GET",
                f"/ngsi-ld/v1/temporal/entities/{urn(camera)}?timerel=after&timeAt={after}&options=temporalValues",
            )
            assert status in (200, 206)
            page = found["picture"]["values"]
            assert sum(len(value) for value, _ in page) <= ANSWER_CHARS
            seen += [int(value[:7]) for value, at in page if at != after]
            assert all(len(value) == SIZE for value, _ in page)
            if status == 200:
                break
            assert page[-1][1] != after, "a page goes on behind the one before"
            after = page[-1][1]
    assert sorted(set(seen)) == [n for n in range(TEXTS) if n % 25 < cameras]


@pytest.mark.timeout(300 + TEXTS // 4)
def test_texts_reach_history_live_and_when_it_is_made_again(tmp_path: Path) -> None:
    """With the historian under its setting plus 100 MB both times, and the platform under 300 MB."""
    with served(tmp_path / "data") as platform:
        _write(platform)
        assert platform.peak_mb < 300
        platform.wait_for_history(60 + TEXTS / 20)
        assert platform.historian_mb < 228
        _read(platform, 3)
        assert platform.metric("andaman_history_set_aside") == 0
        assert platform.peak_mb < 300
        assert platform.historian_mb < 128 + 100, "also while it answers"
    shutil.rmtree(tmp_path / "data" / "history")
    with served(tmp_path / "data") as platform:
        platform.wait_for_history(60 + TEXTS / 20)
        _read(platform, 10)
        assert platform.historian_mb < 128 + 100
        print(f"{TEXTS} texts: historian {platform.historian_mb} MB, platform {platform.peak_mb} MB")


# -- answers ---------------------------------------------------------------------------------------------------------
def _told(path: Path, sizes: list[int]) -> Callable[[int], Event | None]:
    """A journal of one entity's texts of these sizes."""

    def at(seq: int) -> Event | None:
        if not 1 <= seq <= len(sizes):
            return None
        when = START + seq
        before = None if seq == 1 else [_instance(seq - 1, sizes[seq - 2])]
        kind = EventKind.CREATED if seq == 1 else EventKind.UPDATED
        change = Change(NOTE, before, [_instance(seq, sizes[seq - 1])])
        return Event(seq, "", when, "me", kind, urn(1), ("T",), (), [change], None)

    return at


def _instance(seq: int, size: int) -> dict[str, Any]:
    value = text(seq, max(size, 7)) if size % 3 else {"a": [text(seq, max(size, 7)), seq]}
    return {
        "type": "JsonProperty" if isinstance(value, dict) else "Property",
        **({"json": value} if isinstance(value, dict) else {"value": value}),
        "createdAt": iso(START + 1),
        "modifiedAt": iso(START + seq),
    }


sizes = st.lists(
    st.sampled_from([1, 100, LARGE - 3, LARGE - 2, LARGE + 1, 20_000, 200_000]), min_size=1, max_size=12
)


@settings(max_examples=12, deadline=None)
@given(sizes, st.integers(0, 12))
def test_what_is_left_to_the_journal_reads_as_if_it_were_here(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], ingested: int
) -> None:
    """State, series, newest values: the same with a journal behind history as without one, wherever the tail begins."""
    path = tmp_path_factory.mktemp("large")
    journal = _told(path, sizes)
    events = [one for seq in range(1, len(sizes) + 1) if (one := journal(seq)) is not None]
    answers = []
    for number, behind in enumerate((None, journal)):
        history = History.open(path / str(number), memory_mb=64, journal=behind)
        try:
            history.ingest(events[:ingested])
            tail = events[ingested:]
            answers.append(
                (
                    history.temporal("", urn(1), [NOTE], TemporalQuery(), tail=tail),
                    [history.state_at("", START + n, tail=tail) for n in (1, len(sizes))],
                    [history.state_at("", START + n, tail=tail, entity_ids=[urn(1)]) for n in range(9)],
                )
            )
        finally:
            history.close()
    assert answers[0] == answers[1]
    values = [_value(one) for one in answers[1][0][NOTE]]
    assert values == [_value(_instance(seq, size)) for seq, size in enumerate(sizes, 1)]


def _value(one: dict[str, Any]) -> Any:
    return one["json"] if one["type"] == "JsonProperty" else one["value"]


def test_an_answer_with_more_text_than_one_may_have_is_cut_or_refused(tmp_path: Path) -> None:
    """A page over time is cut at a moment and says so; the pages together are the whole. What has no pages is refused."""
    count = 300

    async def work(broker: Broker) -> None:
        for n in range(count):
            await broker.write([put(1, speed={"type": "Property", "value": text(n, 100_000)})], SYSTEM)
        for n in range(2, 2 + count, 50):
            told = {"type": "Property", "value": text(n, 100_000)}  # by fifties: 2, 52, …
            await broker.write([create(k, speed=told) for k in range(n, n + 50)], SYSTEM)
        assert broker._history is not None
        broker._history.drain()
        seen: list[str] = []
        start = START
        while True:
            temporal = TemporalQuery("after", start, timeproperty="modifiedAt")
            query = EvolutionQuery(temporal, (EntityQuery(ids=(urn(1),)),))
            found = await broker.evolutions(query, FULL_ACCESS)
            page = found["entities"][0]["attrs"][SPEED]
            assert sum(len(one["value"]) for one in page) <= ANSWER_CHARS
            seen += [one["value"][:7] for one in page]
            if "range" not in found:
                break
            start = (await broker.read_events(0, 1))[0].at + 0
            start = max(event.at for event in await _upto(broker, len(seen))) + 1
        assert seen == [f"{n:07d}" for n in range(count)]
        with pytest.raises(TooManyResults, match="texts of more than 16 MB"):
            await broker.newest_values(SPEED, (), FULL_ACCESS)
        some = await broker.newest_values(SPEED, (), FULL_ACCESS, limit=20)
        assert [len(value) for value in some.values] == [100_000] * 20
        # Counting needs no text; what looks at the values is refused still.
        counting = TemporalQuery("after", START, timeproperty="modifiedAt", aggr_methods=("totalCount",))
        counted = await broker.evolutions(
            EvolutionQuery(counting, (EntityQuery(ids=(urn(1),)),)), FULL_ACCESS
        )
        ((total, *_),) = counted["entities"][0]["attrs"][SPEED]["totalCount"]
        assert total == count
        told = await broker.temporal(urn(1), [SPEED], counting, FULL_ACCESS)
        assert told[SPEED]["totalCount"][0][0] == count
        greatest = replace(counting, aggr_methods=("totalCount", "max"))
        with pytest.raises(TooManyResults):
            await broker.evolutions(EvolutionQuery(greatest, (EntityQuery(ids=(urn(1),)),)), FULL_ACCESS)
        # A condition on something else is not refused for these texts; one that must look into all of them is.
        await broker.write([put(1, n={"type": "Property", "value": 7})], SYSTEM)
        found = await broker.evolutions(
            EvolutionQuery(TemporalQuery(), (EntityQuery(q=parse_q("n==7", iri)),)), FULL_ACCESS
        )
        assert [one["id"] for one in found["entities"]] == [urn(1)]
        assert "range" in found
        asked = EntityQuery(q=parse_q('speed~="xx$"', iri))
        with pytest.raises(TooManyResults, match="texts of more than 16 MB"):
            await broker.evolutions(EvolutionQuery(TemporalQuery(), (asked,)), FULL_ACCESS)
        for pattern, matching in (("^0000007x", 0), ("^0000052x", 38)):
            ids = tuple(urn(k) for k in range(2, 90))
            some_of = EntityQuery(ids=ids, q=parse_q(f'speed~="{pattern}"', iri))
            query = EvolutionQuery(TemporalQuery(), (some_of,), limit=100)
            assert len((await broker.evolutions(query, FULL_ACCESS))["entities"]) == matching
        # Many who ask about single entities at the same moment are asked together; none is cut for the others' sake.
        import asyncio

        answers = await asyncio.gather(
            *(
                broker.evolutions(
                    EvolutionQuery(TemporalQuery(), (EntityQuery(ids=(urn(k),)),), retrieve=True), FULL_ACCESS
                )
                for k in range(2, 2 + count)
            )
        )
        for answer in answers:
            assert len(answer["entities"][0]["attrs"][SPEED]) == 1
            assert "range" not in answer

    with_broker(tmp_path, work, history=True, history_every_s=0.2)


async def _upto(broker: Broker, seq: int) -> list[Event]:
    return [(await broker.read_events(seq - 1, 1))[0]]


# -- set aside -------------------------------------------------------------------------------------------------------
@pytest.fixture
def choke(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make the engine fail on batches: ``choke["on"]`` is asked with the attributes and positions of each."""
    found: dict[str, Any] = {"on": lambda rows: None, "batches": []}
    write = store.write

    def failing(db: Any, table: str, data: dict[str, Any]) -> None:
        if table.startswith("seg_"):
            rows = data["seq"].tolist()
            found["batches"].append(len(set(rows)))
            error = found["on"](data)
            if error is not None:
                raise error
        write(db, table, data)

    monkeypatch.setattr(store, "write", failing)
    return found


def _journal(directory: Path, count: int) -> None:
    async def work(broker: Broker) -> None:
        for n in range(count):
            more = {"type": "Property", "value": "long " * 300} if n % 7 == 3 else {}
            await broker.write(
                [put(n % 5, speed={"type": "Property", "value": n}, **({"note": more} if more else {}))],
                SYSTEM,
            )

    with_broker(directory, work)


@pytest.mark.parametrize(
    "error", [duckdb.OutOfMemoryException("failed to pin block"), MemoryError(), ValueError("too deep")]
)
def test_a_batch_that_fails_is_halved_and_a_row_that_fails_alone_is_set_aside(
    tmp_path: Path, choke: dict[str, Any], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """All other rows reach history, those of the same events too; after a restart nothing is tried again, and ``doctor`` tells."""
    _journal(tmp_path, 60)
    wrong = {25, 46}  # positions with a long text

    def on(data: dict[str, Any]) -> Exception | None:
        rows = zip(data["seq"].tolist(), data["body"].tolist(), strict=True)
        return error if any(body and seq in wrong for seq, body in rows) else None

    journals = JournalPool(tmp_path)
    choke["on"] = on
    for life in range(2):
        history = History.open(tmp_path / "history", memory_mb=64)
        Feeder(journals, history, 10.0, tmp_path / "history").drain()
        assert history.last_seq == 60
        assert history.set_aside == 2
        if life == 0:
            assert 1 in choke["batches"]
            assert len(choke["batches"]) < 60, "batches grow again after one that failed"
            assert [record.levelname for record in caplog.records].count("ERROR") == 2
            assert any("journal row 25" in record.getMessage() for record in caplog.records)
        else:
            assert choke["batches"] == [], "what was set aside is not tried again"
        numbers = {
            one["value"]
            for n in range(5)
            for one in history.temporal("", urn(n), [SPEED], TemporalQuery())[SPEED]
        }
        assert numbers == set(range(60)), "the rest of the same event is there"
        history.close()
        choke["batches"].clear()
    journals.close()
    found = [one for one in doctor(tmp_path) if one.subject == "history" and one.level == "warning"]
    assert len(found) == 1
    assert "2 rows" in found[0].text
    assert "journal row 25" in found[0].text


@pytest.mark.parametrize(
    "said", ["No space left on device", "IO Error: cannot write", "database has been invalidated"]
)
def test_trouble_that_is_not_of_the_rows_sets_nothing_aside(
    tmp_path: Path, choke: dict[str, Any], said: str
) -> None:
    """A full disk, an engine that is gone: it is waited for, whole."""
    _journal(tmp_path, 20)
    journals = JournalPool(tmp_path)
    history = History.open(tmp_path / "history", memory_mb=64)
    one = Feeder(journals, history, 10.0, tmp_path / "history")
    choke["on"] = lambda _: duckdb.IOException(said)
    with pytest.raises(duckdb.Error):
        one.drain()
    assert (history.last_seq, history.set_aside) == (0, 0)
    choke["on"] = lambda _: None
    one.drain()
    assert (history.last_seq, history.set_aside) == (20, 0)
    history.close()
    journals.close()


def test_a_process_that_dies_of_a_row_again_and_again_sets_it_aside(
    tmp_path: Path, choke: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Killed for its memory, say: a note on disk tells the next life to take less, down to one row; who is killed once for other
    reasons loses nothing."""
    _journal(tmp_path, 40)

    class Death(BaseException):
        """Ends the process, as far as the code under test can see."""

    def on(data: dict[str, Any]) -> Exception | None:
        if any(
            body and seq == 18 for seq, body in zip(data["seq"].tolist(), data["body"].tolist(), strict=True)
        ):
            raise Death
        return None

    choke["on"] = on
    journals = JournalPool(tmp_path)
    deaths = 0
    while True:
        history = History.open(tmp_path / "history", memory_mb=64)
        one = Feeder(journals, history, 10.0, tmp_path / "history")
        one._note.clear = lambda: None  # type: ignore[method-assign]
        try:
            one.drain()
            break
        except Death:
            deaths += 1
            assert deaths < 20
            history.close()
    assert (history.last_seq, history.set_aside) == (40, 1)
    assert 3 <= deaths <= 8
    assert any("journal row 18" in record.getMessage() for record in caplog.records)
    history.close()
    journals.close()


def test_a_row_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    """The journal row is damaged, or says what no release understands: history goes on behind it."""
    _journal(tmp_path, 30)
    db = connect(tmp_path, write=True)
    db.execute("UPDATE journal SET changes=? WHERE seq=12", (b'[["a", null, [{"type":',))
    db.execute("UPDATE journal SET changes=? WHERE seq=13", (b"[1]",))
    db.close()
    journals = JournalPool(tmp_path)
    history = History.open(tmp_path / "history", memory_mb=64)
    Feeder(journals, history, 10.0, tmp_path / "history").drain()
    assert history.last_seq == 30
    assert history.set_aside == 2
    history.close()
    journals.close()


# -- upkeep ----------------------------------------------------------------------------------------------------------
def test_upkeep_that_fails_for_its_size_is_tried_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorting cuts its pieces by text too; where the engine still lacks memory the next try takes half."""
    monkeypatch.setattr(store, "OPEN_ROWS", 2_000)
    asked: list[int] = []
    real = cutting.pieces

    def pieces(db: Any, union: str, size: int, *, cut: bool = True, text: str = "") -> list[str]:
        asked.append(size)
        if size > 60_000:
            raise duckdb.OutOfMemoryException("failed to pin block")
        return real(db, union, size, cut=cut, text=text)

    monkeypatch.setattr(upkeep, "pieces", pieces)
    history = History.open(tmp_path, memory_mb=64)
    history.ingest(_series(2_500, 50))
    failures = 0
    for _ in range(40):
        try:
            if not history.maintain():
                break
        except duckdb.OutOfMemoryException:
            failures += 1
    assert failures == 3
    assert asked[:4] == [245_000, 122_500, 61_250, 30_625]
    assert [one.level for one in history._store.snapshot.segments] == [0]
    history.close()


def test_pieces_are_cut_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sorted at once holds not more text than memory has room for, and every row is in one piece."""
    history = History.open(tmp_path, memory_mb=64)
    monkeypatch.setattr(cutting, "SORT_BYTES", 1 << 20)
    history.ingest(_series(2_000, 3_500))
    table = history._store.snapshot.segments[0].table
    db = history._store.db
    parts = cutting.pieces(db, f"SELECT * FROM {table}", cutting.SORT_ROWS, text="body")
    found = [
        db.execute(f"SELECT count(*), coalesce(sum(strlen(body)), 0) FROM {table} WHERE {part}").fetchall()[0]
        for part in parts
    ]
    rows = db.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    assert sum(count for count, _ in found) == rows
    assert all(size <= 2 * cutting.SORT_BYTES for _, size in found)
    history.close()


def _series(count: int, size: int) -> Iterator[Event]:
    for n in range(count):
        when = START + n * 1_000_000
        one = {
            "type": "Property",
            "value": text(n, size),
            "createdAt": iso(when),
            "modifiedAt": iso(when),
        }
        changes = [Change(NOTE, None, [one])]
        yield Event(n + 1, "", when, "me", EventKind.UPDATED, urn(n % 3), ("T",), (), changes, None)


# -- files of older releases -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("size", "again"), [(1_000, False), (300_000, True)])
def test_a_history_of_the_release_before_is_taken_or_made_again(
    tmp_path: Path, size: int, again: bool
) -> None:
    """Its small texts may stay where they are; with large ones in its columns it is made again from the journal."""
    history = History.open(tmp_path, memory_mb=128)
    history.ingest(list(_series(20, size)))
    history.close()
    with duckdb.connect(str(tmp_path / store.FILE)) as db:
        db.execute("UPDATE format SET version=3")
        db.execute("DROP TABLE aside")
    from andaman.broker.history import OtherFormat

    if again:
        with pytest.raises(OtherFormat, match="made again"):
            History.open(tmp_path, memory_mb=128)
        return
    history = History.open(tmp_path, memory_mb=128)
    docs: list[Doc] = history.state_at("", START + 10**12)
    assert history.last_seq == 20
    assert len(docs) == 0 or docs
    history.close()
