"""Portions of a stream that are bounded in bytes, for work that goes in portions and where one item may be megabytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def portion(items: Iterable[T], size: Callable[[T], int], most_bytes: int) -> list[T]:
    """The first items, until they have ``most_bytes`` together (the one that passes this is the last); all, where they do
    not."""
    found: list[T] = []
    total = 0
    for item in items:
        found.append(item)
        total += size(item)
        if total >= most_bytes:
            break
    return found
