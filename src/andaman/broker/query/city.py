"""Answers about one attribute of all entities, as columns: small on the way from the historian, and quick to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.kernel.time import Micros

NEWEST_MOST: Final = 20_000
"""Entities in one answer about newest values."""


@dataclass(frozen=True, slots=True)
class NewestValues:
    """Columns of the same length: entity ids in order of first appearance, values as written, ``observedAt`` (None: not
    given).
    """

    ids: list[str]
    values: list[Any]
    times: list[Micros | None]


@dataclass(frozen=True, slots=True)
class CityMeans:
    """Columns of the same length: periods that have values, rising (``ends`` exclusive), and the figures of each."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    means: npt.NDArray[np.float64]
    least: npt.NDArray[np.float64]
    greatest: npt.NDArray[np.float64]
