"""The origins that an indicator may use, and the best quality of its data. Pure.

Replayed and simulated entities never enter a figure: they are left out and counted. So are entities of which nobody says the origin. The
quality of a figure is a step of the U4SSC scale (1 is best) and follows from the origins of its inputs and from changes by
hand; a definition may lower it and never raise it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from andaman.broker.api import Doc, value

MADE_UP: Final = frozenset({"replayed", "simulated"})
"""Origins of what did not happen here and now."""
NOT_FIRM: Final = MADE_UP | {""}
"""Origins of entities that do not count: also none at all, since nobody vouches for such an entity."""
_STEPS: Final = {"measured": 1, "reported": 3, "computed": 4}
_PERSONAL: Final = 5
_UNTRACEABLE: Final = 6


def origin_of(doc: Doc) -> str:
    """The origin of an entity; "" if it has none."""
    found = value(doc, "origin")
    return found if isinstance(found, str) else ""


def split(docs: Iterable[Doc]) -> tuple[list[Doc], int]:
    """The entities that may enter a figure, and how many may not."""
    every = list(docs)
    firm = [doc for doc in every if origin_of(doc) not in NOT_FIRM]
    return firm, len(every) - len(firm)


def step_of(origins: Sequence[str]) -> int:
    """The U4SSC step of data of these origins: the worst one's. 6, "unknown, not traceable", where none is said."""
    return max((_STEPS.get(origin, _UNTRACEABLE) for origin in origins), default=_UNTRACEABLE)


def at_best(definition: int, inputs: Iterable[Sequence[str]], *, by_hand: bool = False) -> int:
    """The step of a figure: the worst of its definition and of the origins of each input. ``by_hand``: somebody changed an
    input by hand; the figure is then no better than a personal estimation.
    """
    return max([definition, _PERSONAL if by_hand else 1, *(step_of(origins) for origins in inputs)])
