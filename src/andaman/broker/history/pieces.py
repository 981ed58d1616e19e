"""Cutting rows into pieces that sort within the memory limit."""

from __future__ import annotations

import duckdb


def pieces(db: duckdb.DuckDBPyConnection, union: str, size: int, *, cut: bool = True) -> list[str]:
    """Conditions that cut the rows into pieces which sort within the memory limit, in order of the entities.

    An entity with more rows than a piece is cut by time (order serves speed only, never the answer), unless ``cut``
    is False.
    """
    counts = db.execute(
        f"SELECT entity, count(*) AS n, min(ms) AS low, max(ms) AS high FROM ({union}) GROUP BY entity ORDER BY entity"  # noqa: S608
    ).fetchnumpy()
    parts: list[str] = []
    first, rows = -1, 0
    entities = zip(*(counts[name].tolist() for name in ("entity", "n", "low", "high")), strict=True)
    for entity, count, low, high in entities:
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
