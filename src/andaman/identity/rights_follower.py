"""Rights that change elsewhere, or by themselves: what another process wrote into identity.db (the command line), and tokens
whose time is over. Everything that goes on in somebody's name hears of it by ``Identity.on_change``."""

from __future__ import annotations

from typing import Final

from andaman.identity.service import Identity
from andaman.kernel.work import Every

EVERY_S: Final = 0.25
"""While the platform runs, rights that the command line takes away stay in use for at most so long."""


class RightsFollower(Every):
    """Looks often; a look costs microseconds while nothing changes."""

    def __init__(self, identity: Identity) -> None:
        super().__init__("The look for changes of rights", EVERY_S, identity.look)
