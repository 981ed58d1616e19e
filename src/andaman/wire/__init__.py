"""See README.md in this room."""

from andaman.wire.cycle import Cycle
from andaman.wire.http import Protocol
from andaman.wire.websocket import Socket

__all__ = ["Cycle", "Protocol", "Socket"]
