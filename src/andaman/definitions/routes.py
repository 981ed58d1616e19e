"""HTTP of definitions, and of all of them as one file. Shapes: docs/rooms/definitions.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from andaman.definitions import config
from andaman.definitions.answers import (
    ChangeAnswer,
    DefinitionListed,
    DeletedListed,
    ImportAnswer,
    KindListed,
    KindPage,
    LatestChange,
    ReviewAsked,
    head_of,
    version_of,
)
from andaman.definitions.kinds import DefinitionKind
from andaman.definitions.permissions import MANAGE_CONFIG, READ_DEFINITIONS
from andaman.definitions.problems import ConfigChanged, NoSuchDefinition, NoSuchVersion
from andaman.definitions.service import Definitions, Deleted, Source
from andaman.definitions.versions import Version, digest_of
from andaman.form import FieldNotUnderstood, body_text
from andaman.identity.doors import BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.permissions import MANAGE_ROLES
from andaman.identity.web import actor_of, credential_of, note_success, require
from andaman.kernel import query_params
from andaman.kernel.digests import content_digest
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.refusals import FieldMissing
from andaman.kernel.time import Clock, format_time

_BODY_MAX: Final = 200_000
_FILE_MAX: Final = 8_000_000
_UNNAMED: Final = "config.json"
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


def routes(definitions: Definitions, clock: Clock) -> list[BoundDoor]:
    door = _Door(definitions, clock)
    return [
        _entry("GET", "/api/definitions").to(door.kinds),
        _entry("GET", "/api/definition-changes").to(door.latest),
        _entry("GET", _KIND).to(door.kind),
        _entry("GET", f"{_ONE}/versions").to(door.history),
        _entry("POST", f"{_ONE}/versions", body_max=_BODY_MAX, audited="definition.draft").to(door.draft),
        _entry("POST", f"{_VERSION}/propose", audited="definition.propose").to(door.propose),
        _entry("POST", f"{_VERSION}/enforce", audited="definition.enforce").to(door.enforce),
        _entry("POST", f"{_VERSION}/withdraw", body_max=_BODY_MAX, audited="definition.withdraw").to(
            door.withdraw
        ),
        _entry("GET", "/api/config", MANAGE_CONFIG).to(door.export),
        _entry("POST", "/api/config", MANAGE_CONFIG, _FILE_MAX).to(door.bring_in),
    ]


class _Door:
    def __init__(self, definitions: Definitions, clock: Clock) -> None:
        self._definitions, self._clock = definitions, clock

    # -- reading --------------------------------------------------------------------------------------------
    async def kinds(self, request: Request) -> Response:
        """Those that the caller may read."""
        me = actor_of(request).principal
        found = []
        for kind in self._definitions.kinds():
            if me.may(kind.read):
                drafts = sum((await self._definitions.open_drafts(kind)).values())
                head = msgspec.structs.asdict(head_of(kind, self._definitions.control, actor_of(request)))
                found.append(KindListed(**head, count=len(kind.place.in_force()), drafts=drafts))
        return json_response(found)

    async def kind(self, request: Request) -> Response:
        kind = self._kind(request)
        drafts = await self._definitions.open_drafts(kind)
        page = KindPage(
            **msgspec.structs.asdict(head_of(kind, self._definitions.control, actor_of(request))),
            fields=kind.form.fields,
            schema=kind.form.schema(),
            kept=sorted(kind.place.kept()),
            definitions=self._listed(kind, drafts, await self._definitions.standing(kind)),
            deleted=[_deleted(kind, one) for one in await self._definitions.deleted(kind)],
        )
        return json_response(page)

    async def latest(self, request: Request) -> Response:
        """The newest steps over all kinds that the caller may read; ``?kind=``, ``?before=`` and ``?limit=``."""
        asked, me = request.query_params, actor_of(request).principal
        kinds = {one.name: one for one in self._definitions.kinds() if me.may(one.read)}
        name = query_params.choice(asked, "kind", "", kinds)
        before = query_params.time(asked, "before", None)
        limit = query_params.integer(asked, "limit", 50, 1, 200)
        wanted = [kinds[name]] if name else list(kinds.values())
        found = []
        for kind_name, key, version in await self._definitions.latest(wanted, before, limit):
            kind = kinds[kind_name]
            shown = version.document or kind.place.in_force().get(key)
            found.append(
                LatestChange(
                    kind=kind_name,
                    kind_words=kind.words,
                    key=key,
                    title=kind.title(key, shown),
                    changed_at=format_time(version.changed_at),
                    version=version_of(version),
                )
            )
        return json_response(found)

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
        made = await self._definitions.draft(
            kind,
            _key(request),
            document,
            actor_of(request),
            body_text(body, "reason"),
            base=_base(body),
            confirmed=body.get("confirmed") is True,
        )
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
        body = await read_json(request, _BODY_MAX, empty={})
        reason = body_text(body if isinstance(body, dict) else {}, "reason")
        done = await self._definitions.withdraw(
            kind, _key(request), _number(request), actor_of(request), reason
        )
        return json_response(version_of(done))

    # -- as one file ----------------------------------------------------------------------------------------
    async def export(self, request: Request) -> Response:
        """Indented, for people to read and compare."""
        body = orjson.dumps(
            config.exported(self._definitions), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        day = format_time(self._clock())[:10]
        name = "-".join(part for part in ("andaman-config", self._definitions.city, day) if part)
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
        return Response(body, media_type="application/json", headers=headers)

    async def bring_in(self, request: Request) -> Response:
        """``?try=true`` says what would change, with a token. An import needs that token, and a reason. ``?delete=true``:
        definitions that the file does not have are deleted."""
        asked = request.query_params
        trying, delete = (query_params.flag(asked, name) for name in ("try", "delete"))
        reason, file = query_params.text(asked, "reason").strip(), query_params.text(asked, "file")
        content = await read_json(request, _FILE_MAX)
        token = config.token_of(self._definitions, content, delete=delete)
        if trying:
            changes = await config.planned(self._definitions, content, delete=delete, review=True)
        else:
            if not reason:
                raise FieldMissing(field="reason")
            if query_params.text(asked, "token") != token:
                raise ConfigChanged
            changes = await config.imported(
                self._definitions,
                content,
                actor_of(request),
                delete=delete,
                review=True,
                reason=reason,
                source=Source(file or _UNNAMED, content_digest(content)),
            )
            await note_success(request, "config.import")
        answered = [ChangeAnswer(kind=one.kind, key=one.key, step=one.step) for one in changes]
        return json_response(ImportAnswer(token=token if trying else "", changes=answered))

    def _listed(
        self, kind: DefinitionKind, drafts: Mapping[str, int], standing: Mapping[str, Version]
    ) -> list[DefinitionListed]:
        """By key: definitions in force, those set aside, and new ones that have drafts only."""
        in_force = kind.place.in_force()
        aside = {one.key: one for one in kind.place.set_aside()}
        found = []
        for key in sorted(in_force.keys() | aside.keys() | drafts.keys()):
            document, errors = in_force.get(key), []
            if key in aside:
                document, errors = aside[key].document, aside[key].errors
            last = standing.get(key)
            known = last is not None and not last.noticed and last.digest == digest_of(document)
            found.append(
                DefinitionListed(
                    key=key,
                    title=kind.title(key, document),
                    document=document,
                    digest=digest_of(document),
                    changed_at=format_time(last.changed_at) if last is not None and known else None,
                    changed_by=last.enforced_by_name if last is not None and known else "",
                    drafts=drafts.get(key, 0),
                    errors=errors,
                )
            )
        return found

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


def _deleted(kind: DefinitionKind, one: Deleted) -> DeletedListed:
    document, by = one.last.document or {}, one.by
    return DeletedListed(
        key=one.key,
        title=kind.title(one.key, document),
        document=document,
        number=one.last.number,
        at=format_time(by.changed_at) if by is not None and not by.noticed else None,
        by=version_of(by).enforced_by if by is not None else None,
        reason=by.reason if by is not None else "",
    )


def _base(body: dict[str, Any]) -> str:
    """Raises FieldMissing: without it, nobody could see that somebody else was faster."""
    found = body.get("base")
    if not isinstance(found, str):
        raise FieldMissing(field="base")
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
