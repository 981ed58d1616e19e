"""Which instances of an attribute stand: what a correction of history wants to know before it is written."""

from __future__ import annotations

import duckdb

from andaman.broker.history.read.reader import ENDS, VALUES, Reader, Tails
from andaman.broker.history.rows.instance_ids import read_instance_id
from andaman.broker.history.rows.rows import iso, read_form
from andaman.broker.history.segments.segment import Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.query.model import Target, TemporalQuery


def resolve(
    store: Store, key: bytes, tenant: str, entity_id: str, attr: str, instance: str | None, tails: Tails
) -> list[Target]:
    """See ``History.resolve``."""
    named = None if instance is None else read_instance_id(key, attr, instance)
    if instance is not None and named is None:
        return []

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> list[Target]:
        reader = Reader(store, cursor, snapshot, tenant, [entity_id], tails)
        rows = reader.read(TemporalQuery(timeproperty="createdAt"), [attr], ops=(*VALUES, *ENDS))
        if named is not None:
            ends = [op in ENDS for op in rows.op.tolist()]
            rows = rows.pick(
                [
                    at
                    for at, (seq, place) in enumerate(
                        zip(rows.seq.tolist(), rows.place.tolist(), strict=True)
                    )
                    if (seq, place, ends[at]) == named
                ]
            )
        found = {
            dataset if named is None else (seq, place): Target(
                reader.text(dataset), seq, place, iso(created), _kind(reader.text(form))
            )
            for dataset, seq, place, created, form in zip(
                rows.dataset.tolist(),
                rows.seq.tolist(),
                rows.place.tolist(),
                rows.created.tolist(),
                rows.form.tolist(),
                strict=True,
            )
        }
        return list(found.values())

    return store.read(ask)


def _kind(form: str) -> str:
    return form[1:] if form[:1] == "-" else read_form(form).kind or "Property"
