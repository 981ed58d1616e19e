"""See README.md in this room."""

from andaman.doors.tiles.door import TileDoor, routes

__all__ = ["TileDoor", "routes"]
