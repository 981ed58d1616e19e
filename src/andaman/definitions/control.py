"""How each kind may be changed, as the city has set it: whether a second person is needed, and whether a reason is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, Final

from andaman.definitions.kinds import DefinitionKind, Document, SetAside
from andaman.definitions.problems import NoSuchKind, NotDeletable
from andaman.definitions.store import VersionStore
from andaman.form import Form, Row, described
from andaman.identity.model import Actor
from andaman.kernel.time import Micros

KIND: Final = "change-control"


class ControlRow(Row, frozen=True, kw_only=True):
    """``code``: the name of a kind."""

    review: Annotated[bool, described("ต้องมีบุคคลที่สองอนุมัติทุกครั้ง", "A second person approves each change")] = (
        False
    )
    reason: Annotated[bool, described("ต้องระบุเหตุผลทุกครั้ง", "Each change needs a reason")] = False


FORM: Final = Form(ControlRow)


class Control:
    """A place of definitions. Kinds that are always reviewed are not in it: nobody may switch their review off."""

    def __init__(self, store: VersionStore, kinds: Callable[[], Sequence[DefinitionKind]]) -> None:
        self._store, self._kinds = store, kinds
        self._set = store.controls()

    def needs_review(self, kind: DefinitionKind) -> bool:
        return kind.always_reviewed or self._row(kind)["review"] is True

    def needs_reason(self, kind: DefinitionKind) -> bool:
        return kind.always_reviewed or self._row(kind)["reason"] is True

    def _row(self, kind: DefinitionKind) -> dict[str, Any]:
        return {"review": False, "reason": kind.asks_reason, **self._set.get(kind.name, {})}

    def check(self, row: Row) -> None:
        """Raises NoSuchKind."""
        if row.code not in self.kept():
            raise NoSuchKind(id=row.code)

    # -- as a place ---------------------------------------------------------------------------------------------
    def in_force(self) -> Mapping[str, Document]:
        return {kind.name: self._row(kind) for kind in self._kinds() if not kind.always_reviewed}

    async def put(self, key: str, document: Document, actor: Actor) -> None:
        self.check(FORM.read({**document, "code": key}))
        await asyncio.to_thread(self._store.put_control, key, document)
        self._set[key] = dict(document)

    async def delete(self, key: str, actor: Actor) -> None:
        raise NotDeletable(id=key)

    def kept(self) -> Collection[str]:
        return self.in_force().keys()

    def set_aside(self) -> Sequence[SetAside]:
        return ()

    def since(self, key: str) -> Micros | None:
        return None
