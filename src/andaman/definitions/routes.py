"""HTTP of definitions, and of all of them as one file. Shapes: docs/rooms/definitions.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from andaman.definitions import config
from andaman.definitions.answers import (
    ChangeAnswer,
    DefinitionListed,
    ImportAnswer,
    KindListed,
    KindPage,
    ReviewAsked,
    head_of,
    version_of,
)
from andaman.definitions.kinds import DefinitionKind
from andaman.definitions.permissions import MANAGE_CONFIG, READ_DEFINITIONS
from andaman.definitions.problems import NoSuchDefinition, NoSuchVersion
from andaman.definitions.service import Definitions
from andaman.form import FieldNotUnderstood, body_text
from andaman.identity.doors import BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.permissions import MANAGE_ROLES
from andaman.identity.web import actor_of, credential_of, note_success, require
from andaman.kernel import query_params
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.refusals import FieldMissing

_BODY_MAX: Final = 200_000
_FILE_MAX: Final = 8_000_000
_KIND: Final = "/api/definitions/{kind}"
_ONE: Final = "/api/definitions/{kind}/{id}"
_VERSION: Final = "/api/definitions/{kind}/{id}/versions/{number}"


def _entry(
    method: str, path: str, requires: Permission = READ_DEFINITIONS, body_max: int = 0, audited: str = ""
) -> DoorEntry:
    asks = (MANAGE_ROLES,) if requires is READ_DEFINITIONS else ()
    return DoorEntry(
        method, path, Tenancy.CITY, requires, asks, body_max=body_max, cost=Cost.QUESTION, audited=audited
    )


def routes(definitions: Definitions) -> list[BoundDoor]:
    door = _Door(definitions)
    return [
        _entry("GET", "/api/definitions").to(door.kinds),
        _entry("GET", _KIND).to(door.kind),
        _entry("GET", f"{_ONE}/versions").to(door.history),
        _entry("POST", f"{_ONE}/versions", body_max=_BODY_MAX, audited="definition.draft").to(door.draft),
        _entry("POST", f"{_VERSION}/propose", audited="definition.propose").to(door.propose),
        _entry("POST", f"{_VERSION}/enforce", audited="definition.enforce").to(door.enforce),
        _entry("POST", f"{_VERSION}/withdraw", audited="definition.withdraw").to(door.withdraw),
        _entry("GET", "/api/config", MANAGE_CONFIG).to(door.export),
        _entry("POST", "/api/config", MANAGE_CONFIG, _FILE_MAX).to(door.bring_in),
    ]


class _Door:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    # -- reading --------------------------------------------------------------------------------------------
    async def kinds(self, request: Request) -> Response:
        """Those that the caller may read."""
        me = actor_of(request).principal
        found = []
        for kind in self._definitions.kinds():
            if me.may(kind.read):
                drafts = sum((await self._definitions.open_drafts(kind)).values())
                head = msgspec.structs.asdict(head_of(kind, actor_of(request)))
                found.append(KindListed(**head, count=len(kind.place.in_force()), drafts=drafts))
        return json_response(found)

    async def kind(self, request: Request) -> Response:
        kind = self._kind(request)
        drafts = await self._definitions.open_drafts(kind)
        page = KindPage(
            **msgspec.structs.asdict(head_of(kind, actor_of(request))),
            fields=kind.form.fields,
            schema=kind.form.schema(),
            kept=sorted(kind.place.kept()),
            definitions=_listed(kind, drafts),
        )
        return json_response(page)

    async def history(self, request: Request) -> Response:
        """Newest first."""
        found = await self._definitions.history(self._kind(request), _key(request))
        return json_response([version_of(one) for one in reversed(found)])

    # -- changing -------------------------------------------------------------------------------------------
    async def draft(self, request: Request) -> Response:
        kind = self._managed(request)
        body = await read_json(request, _BODY_MAX, empty={})
        if not isinstance(body, dict) or "document" not in body:
            raise FieldMissing(field="document")
        document = body["document"]
        if document is not None and not isinstance(document, dict):
            raise FieldNotUnderstood(
                field="document", reason="It must be an object, or null to end the definition"
            )
        reason = body_text(body, "reason")
        made = await self._definitions.draft(kind, _key(request), document, actor_of(request), reason)
        return json_response(version_of(made), 201)

    async def propose(self, request: Request) -> Response:
        kind = self._managed(request)
        made = await self._definitions.propose(
            kind, _key(request), _number(request), actor_of(request), credential_of(request)
        )
        return json_response(ReviewAsked(proposal=made.id, digest=made.digest))

    async def enforce(self, request: Request) -> Response:
        kind = self._managed(request)
        done = await self._definitions.enforce(kind, _key(request), _number(request), actor_of(request))
        return json_response(version_of(done))

    async def withdraw(self, request: Request) -> Response:
        kind = self._managed(request)
        return json_response(
            version_of(
                await self._definitions.withdraw(kind, _key(request), _number(request), actor_of(request))
            )
        )

    # -- as one file ----------------------------------------------------------------------------------------
    async def export(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="andaman-config.json"'}
        return json_response(config.exported(self._definitions), headers=headers)

    async def bring_in(self, request: Request) -> Response:
        """``?try=true`` says what would change; ``?keep=true`` deletes nothing."""
        trying, keep = (query_params.flag(request.query_params, name) for name in ("try", "keep"))
        content = await read_json(request, _FILE_MAX)
        if trying:
            changes = config.planned(self._definitions, content, keep=keep, review=True)
        else:
            changes = await config.imported(
                self._definitions, content, actor_of(request), keep=keep, review=True
            )
            await note_success(request, "config.import")
        answered = [ChangeAnswer(kind=one.kind, key=one.key, step=one.step) for one in changes]
        return json_response(ImportAnswer(changes=answered))

    # -- what a request names -------------------------------------------------------------------------------
    def _kind(self, request: Request) -> DefinitionKind:
        """Raises NoSuchKind and PermissionMissing."""
        kind = self._definitions.kind(request.path_params["kind"])
        require(request, kind.read)
        return kind

    def _managed(self, request: Request) -> DefinitionKind:
        kind = self._kind(request)
        require(request, kind.manage)
        return kind


def _listed(kind: DefinitionKind, drafts: Mapping[str, int]) -> list[DefinitionListed]:
    """By key: definitions in force, those set aside, and new ones that have drafts only."""
    in_force = kind.place.in_force()
    aside = {one.key: one for one in kind.place.set_aside()}
    found = []
    for key in sorted(in_force.keys() | aside.keys() | drafts.keys()):
        document, errors = in_force.get(key), []
        if key in aside:
            document, errors = aside[key].document, aside[key].errors
        found.append(DefinitionListed(key=key, document=document, drafts=drafts.get(key, 0), errors=errors))
    return found


def _key(request: Request) -> str:
    key = str(request.path_params["id"])
    if len(key) > 80:
        raise NoSuchDefinition(id=key[:80])
    return key


def _number(request: Request) -> int:
    """Raises NoSuchVersion."""
    text = str(request.path_params["number"])
    if not text.isdecimal() or len(text) > 9:
        raise NoSuchVersion(number=text[:20])
    return int(text)
