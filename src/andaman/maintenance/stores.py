"""Questions about the small stores of a data directory. Rooms declare them, and the composer passes the list of all rooms."""

from __future__ import annotations

from collections.abc import Sequence

from andaman.kernel.tables import StoreKind

Stores = Sequence[StoreKind]


def precious(stores: Stores) -> dict[str, str]:
    """File → content, of those without which a start is refused."""
    return {kind.file: kind.holds for kind in stores if kind.precious}


def noted(stores: Stores) -> tuple[str, ...]:
    """Files that are missed once they were there."""
    return tuple(kind.file for kind in stores if kind.backed_up)
