"""The past that one principal may see, as history asks for it: entities, attributes, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from andaman.broker.ledger.journal import JournalPool, Shape
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.time import Micros


class PastVeil:
    """Until when a principal was not to see an entity, or attributes of it, because of what the entity was then."""

    def __init__(self, everything: Micros, attrs: Mapping[str, Micros]) -> None:
        self._everything = everything
        self._attrs = attrs

    def until(self, attr: str | None) -> Micros:
        return self._everything if attr is None else self._attrs.get(attr, 0)


class PastVisibility:
    """The rights of one principal on one tenant's past."""

    def __init__(self, journals: JournalPool, tenant: str, access: Access) -> None:
        self._journals = journals
        self._tenant = tenant
        self._access = access
        self._full = access.key == FULL_ACCESS.key

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return self._full or self._access.sees(types, scopes)

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset() if self._full else frozenset(self._access.hidden_attrs(types, scopes))

    def veiled(self, attr: str) -> Mapping[str, Micros]:
        """Entities that were not to be seen once, or not this attribute of them, and until when."""
        if self._full:
            return {}

        def hides(shape: Shape) -> bool:
            return not self._access.sees(*shape) or attr in self._access.hidden_attrs(*shape)

        with self._journals.reader() as journal:
            return journal.were(self._tenant, hides)

    def veils(self, names: Sequence[str]) -> Mapping[str, PastVeil]:
        """Only entities with something that was hidden once."""
        if self._full:
            return {}
        with self._journals.reader() as journal:
            former = journal.former_of(self._tenant, names)
        found: dict[str, PastVeil] = {}
        for name, shapes in former.items():
            everything = 0
            attrs: dict[str, Micros] = {}
            for until, shape in shapes:
                if not self._access.sees(*shape):
                    everything = max(everything, until)
                for attr in self._access.hidden_attrs(*shape):
                    attrs[attr] = max(attrs.get(attr, 0), until)
            if everything or attrs:
                found[name] = PastVeil(everything, attrs)
        return found
