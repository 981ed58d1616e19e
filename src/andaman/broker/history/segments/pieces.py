"""Cutting rows into pieces that sort within the memory limit."""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np

SORT_ROWS: Final = 245_000
"""Rows that are sorted at once: two row groups of the file …"""
SORT_BYTES: Final = 32 << 20
"""… with not more text than this, for sorting holds it all in memory."""


def pieces(
    db: duckdb.DuckDBPyConnection, union: str, size: int, *, cut: bool = True, text: str = ""
) -> list[str]:
    """Conditions that cut the rows into pieces which sort within the memory limit, in order of attributes and entities.

    ``size``: rows of a piece; rows with much text in the column ``text`` count for several.

    An attribute with more rows than a piece is cut between entities; one entity's with more, by time (order serves speed
    only, never the answer), unless ``cut`` is False.
    """
    heavy = f"sum(coalesce(strlen({text}), 0)) * {SORT_ROWS} // {SORT_BYTES}" if text else "0"
    counts = db.execute(
        f"SELECT attr, entity, greatest(count(*), {heavy})::BIGINT AS n, min(ms) AS low, max(ms) AS high "  # noqa: S608
        f"FROM ({union}) GROUP BY attr, entity ORDER BY attr, entity"
    ).fetchnumpy()
    attrs, starts = np.unique(counts["attr"], return_index=True)
    if not len(attrs):
        return []
    totals = np.add.reduceat(counts["n"], starts).tolist()
    ends = [*starts.tolist()[1:], len(counts["n"])]
    parts: list[str] = []
    waiting: list[int] = []  # neighbouring attributes that fit into one piece
    rows = 0
    for attr, start, end, total in zip(attrs.tolist(), starts.tolist(), ends, totals, strict=True):
        if waiting and rows + total > size:
            parts.append(f"attr BETWEEN {waiting[0]} AND {waiting[-1]}")
            waiting, rows = [], 0
        if total <= size:
            waiting.append(attr)
            rows += total
            continue
        columns = (counts[name][start:end].tolist() for name in ("entity", "n", "low", "high"))
        of = f"attr = {attr} AND "
        parts += [of + part for part in _entities(list(zip(*columns, strict=True)), size, cut)]
    if waiting:
        parts.append(f"attr BETWEEN {waiting[0]} AND {waiting[-1]}")
    return parts


def _entities(counts: list[tuple[int, int, int, int]], size: int, cut: bool) -> list[str]:
    """The pieces of one attribute. ``counts``: (entity, rows, first and last moment), rising by entity."""
    parts: list[str] = []
    first, rows = -1, 0
    for entity, count, low, high in counts:
        if cut and count > size:
            parts.append(f"entity > {first} AND entity < {entity}")
            shares = count // size + 1
            cuts = [low + (high - low) * k // shares for k in range(1, shares)]
            spans = zip([None, *cuts], [*cuts, None], strict=True)
            for start, stop in spans:
                bounds = [f"ms >= {start}"] * (start is not None) + [f"ms < {stop}"] * (stop is not None)
                parts.append(" AND ".join([f"entity = {entity}", *bounds]))
            first, rows = entity, 0
        elif rows + count > size:
            parts.append(f"entity > {first} AND entity < {entity}")
            first, rows = entity - 1, count
        else:
            rows += count
    return [*parts, f"entity > {first}"]
