"""Bodies that the HTTP of identity is sent, read member by member."""

from __future__ import annotations

from typing import Any

from andaman.identity.roles import RoleTable
from andaman.identity.tokens import LONGEST
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import FieldMissing, NotAChoice, NumberOutOfRange
from andaman.kernel.time import DAY, Micros


class Body:
    """A JSON object whose members are read with a clear refusal for each wrong one."""

    def __init__(self, content: Any) -> None:
        if not isinstance(content, dict):
            raise BadRequestData("The body, or a part of it, is not a JSON object where it must be one")
        self.members: dict[str, Any] = content

    def only(self, *names: str) -> None:
        for name in self.members:
            if name not in names:
                raise BadRequestData(f"{name!r} cannot be changed; use {', '.join(names)}", field=name)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.members.get(name, default)
        if value is None:
            raise FieldMissing(field=name)
        if not isinstance(value, str) or "\x00" in value:
            raise BadRequestData(f"{name!r} is not a text", field=name)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadRequestData(f"{name!r} is not valid Unicode", field=name) from None
        return value

    def text_or_none(self, name: str) -> str | None:
        return self.text(name) if name in self.members else None

    def flag_or_none(self, name: str) -> bool | None:
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadRequestData(f"{name!r} is not true or false", field=name)
        return value

    def number_or_none(self, name: str, least: float, most: float) -> float | None:
        value = self.members.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadRequestData(f"{name!r} is not a number", field=name)
        if value is not None and not least <= value <= most:
            raise NumberOutOfRange(field=name, low=least, high=most)
        return value

    def lifetime(self, default: Micros) -> Micros | None:
        """``lifetimeDays`` in µs: ``default`` where it is not said, None (no end) where it is said to be null."""
        if "lifetimeDays" not in self.members:
            return default
        days = self.number_or_none("lifetimeDays", 0, LONGEST // DAY)
        return None if days is None else int(days * DAY)

    def texts(self, name: str) -> list[str]:
        value = self.members.get(name, [])
        if not isinstance(value, list) or len(value) > 200:
            raise BadRequestData(f"{name!r} is not a list of at most 200 texts", field=name)
        return [Body({name: item}).text(name) for item in value]

    def roles(self, table: RoleTable) -> list[str]:
        """Names of roles. Raises NotAChoice for one that is not in the table."""
        names = self.texts("roles")
        for name in names:
            if name not in table.rows:
                raise NotAChoice(field="roles", choices=list(table.rows))
        return names
