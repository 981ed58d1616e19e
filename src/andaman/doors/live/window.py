"""Pure: what changed in one window for one group of equal watches, and what waits for a slow client.

Everything here is bounded by the number of *entities* of a view, never by the number of events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

_ENTRY: Final = 100
"""Bytes that an entry takes in addition to its text."""
_COUNTED: Final = 4 << 20


@dataclass(slots=True)
class Window:
    """Changes of one window as one group sees them; shared by its watches, never changed after it is made."""

    time: str  # ISO
    set: dict[str, str]  # entity id → live form as JSON text
    gone: Sequence[str]  # ids that members of the group held
    left: Sequence[str]  # ids that one of them might have held: for a snapshot that is under way
    _text: str | None = field(default=None, repr=False)
    _size: int | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Bytes of the values that are set, about."""
        if self._size is None:
            self._size = sum(map(len, self.set.values())) + _ENTRY * len(self.set)
        return self._size

    def frame(self, watch_json: str, number: int) -> str:
        """The delta message, the ``number``-th of its watch; the long part is made once for all."""
        if self._text is None:
            self._text = delta_tail(self.time, self.set.values(), self.gone)
        return delta(watch_json, number, self._text)


def delta(watch_json: str, number: int, tail: str) -> str:
    return f'{{"op":"delta","id":{watch_json},"seq":{number},{tail}'


def delta_tail(time: str, fragments: Iterable[str], gone: Sequence[str]) -> str:
    return f'"time":"{time}","set":[{",".join(fragments)}],"gone":{orjson.dumps(list(gone)).decode()}}}'


class Pending:
    """The changes that one watch has not received yet. The newest value of each entity replaces older ones."""

    __slots__ = ("_gone", "_one", "_set", "size", "time")

    def __init__(self) -> None:
        self._one: Window | None = None  # the usual case: exactly one window waits
        self._set: dict[str, str] = {}
        self._gone: dict[str, None] = {}
        self.size = 0  # bytes, at least as many as wait; a single window is shared by all and counts nothing
        self.time = ""

    def __bool__(self) -> bool:
        return self._one is not None or bool(self._set) or bool(self._gone)

    def __len__(self) -> int:
        return (
            len(self._set) + len(self._gone) + (len(self._one.set) + len(self._one.gone) if self._one else 0)
        )

    def add(self, window: Window, everything: bool = False) -> None:
        """Add a later window. ``everything``: a snapshot is under way, so what left counts as gone."""
        if not everything and not self:
            self._one = window
        else:
            if self._one is not None:
                one, self._one = self._one, None
                self._merge(one, one.gone)
            self._merge(window, window.left if everything else window.gone)
        self.time = window.time

    def _merge(self, window: Window, gone: Sequence[str]) -> None:
        for entity_id in gone:
            self._set.pop(entity_id, None)
            self._gone[entity_id] = None
        for entity_id in window.set:
            self._gone.pop(entity_id, None)
        self._set.update(window.set)
        self.size += window.size + _ENTRY * len(gone)
        if self.size > _COUNTED:  # some of it replaced older values: count again
            self.size = sum(map(len, self._set.values())) + _ENTRY * (len(self._set) + len(self._gone))

    def take(self, watch_json: str, number: int) -> str:
        """The delta message of all that waits, which then waits no more."""
        if self._one is not None:
            one, self._one = self._one, None
            return one.frame(watch_json, number)
        text = delta_tail(self.time, self._set.values(), list(self._gone))
        self._set, self._gone, self.size = {}, {}, 0
        return delta(watch_json, number, text)
