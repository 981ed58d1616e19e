"""Contexts that the platform keeps and serves (CIM 009 §5.13, §6.29, §6.30)."""

from __future__ import annotations

from typing import Any, Final

import orjson

from andaman.broker.contexts.bundled import bundled_document
from andaman.broker.contexts.kept import Entry
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import LD_JSON, NO_CONTENT, Answer, Call, json_answer
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of
from andaman.identity.powers import administers
from andaman.kernel.addresses import bare_url
from andaman.kernel.errors import (
    BadRequestData,
    Forbidden,
    InvalidRequest,
    OperationNotSupported,
    ResourceNotFound,
)
from andaman.kernel.time import format_time

_LIST: Final = frozenset({"details", "kind"})
_ONE: Final = frozenset({"details"})
_DELETE: Final = frozenset({"reload"})
_KINDS: Final = ("Hosted", "Cached", "ImplicitlyCreated")


def _url(door: Door, entry: Entry) -> str:
    """Where it is, without what may be a key: names and passwords, queries, fragments."""
    if not entry.url:
        return f"{door.options.public_url}{BASE}/jsonldContexts/{entry.id}"
    return bare_url(entry.url)


def _keeps(call: Call, entry: Entry) -> bool:
    """Is it the caller's own, or the caller's to look after? Fetched ones, which all tenants share, are the city's."""
    actor = call.actor
    if entry.creator and entry.creator == actor.principal.id:
        return True
    return administers(actor) and (entry.kind != "Cached" or actor.access.enters(""))


def _lists(call: Call, entry: Entry) -> bool:
    """Contexts that others host, that their subscriptions made or that were fetched for them reveal their work. So
    everybody gets the list of the contexts that the platform ships, and of their own.
    """
    return entry.carried or _keeps(call, entry)


def _found(door: Door, call: Call) -> Entry:
    """The named context: a hosted one for every caller who knows the id, a fetched one for callers who may list them.
    Raises ResourceNotFound.
    """
    name = call.segments[1]
    entry = door.contexts.get_entry(name, call.tenant)
    if entry.kind == "Cached" and not _lists(call, entry):
        raise ResourceNotFound(f"There is no @context {name[:200]!r}")
    return entry


def _described(door: Door, call: Call, entry: Entry) -> dict[str, Any]:
    """§5.13.3: the details of a kept context; its use (how often and when) is shown to those it belongs to."""
    shown: dict[str, Any] = {
        "URL": _url(door, entry),
        "localId": entry.id,
        "kind": entry.kind,
        "createdAt": format_time(entry.created),
    }
    if not _keeps(call, entry):
        return shown
    shown["numberOfHits"] = entry.hits
    if entry.last_usage:
        shown["lastUsage"] = format_time(entry.last_usage)
    return shown


async def list_contexts(door: Door, call: Call) -> Answer:
    """GET /jsonldContexts: URLs, or with ``details=true`` the details of each."""
    given = call.parameters(_LIST)
    kind = given.get("kind")
    if kind is not None and kind not in _KINDS:
        raise BadRequestData(f"kind must be one of {', '.join(_KINDS)}", field="kind")
    entries = [
        one
        for one in door.contexts.list_entries(call.tenant)
        if (kind is None or one.kind == kind) and _lists(call, one)
    ]
    if flag_of(given, "details"):
        return json_answer([_described(door, call, one) for one in entries])
    return json_answer([_url(door, one) for one in entries])


async def add_context(door: Door, call: Call) -> Answer:
    """POST /jsonldContexts: host a context."""
    call.parameters(frozenset())
    payload, _ = await call.json(door.options.max_body)
    if not isinstance(payload, dict) or "@context" not in payload:
        raise InvalidRequest("The body must be an object with @context", field="@context")
    source = payload["@context"]
    if not isinstance(source, (dict, list, str)):
        raise BadRequestData("@context must be a URL, an object or a list of these", field="@context")
    if isinstance(source, list) and not all(one is None or isinstance(one, (dict, str)) for one in source):
        raise BadRequestData(
            "The list in @context holds something else than URLs and objects", field="@context"
        )
    entry = await door.contexts.host(
        {"@context": source}, tenant=call.tenant, creator=call.actor.principal.id
    )
    return Answer(201, headers=[(b"location", f"{BASE}/jsonldContexts/{entry.id}".encode())])


async def serve_context(door: Door, call: Call) -> Answer:
    """GET /jsonldContexts/{id}: the context itself, or with ``details=true`` its details (§5.13.4)."""
    given = call.parameters(_ONE)
    media = choose_media(call.headers.get(b"accept"), False)
    entry = _found(door, call)
    if flag_of(given, "details"):
        if entry.kind == "Cached":
            door.contexts.used(entry)  # it was found in the cache
        return json_answer(_described(door, call, entry))
    if entry.kind == "Cached":
        raise OperationNotSupported(
            "A cached @context is not served from here; its own URL has it", field="URL"
        )
    return Answer(200, orjson.dumps(entry.document), media)


async def delete_context(door: Door, call: Call) -> Answer:
    """DELETE /jsonldContexts/{id}; ``reload=true`` fetches a cached one again instead."""
    given = call.parameters(_DELETE)
    reload = flag_of(given, "reload")
    try:
        entry = _found(door, call)
    except ResourceNotFound:
        if reload:
            raise BadRequestData("Only a context that is kept can be reloaded", field="reload") from None
        raise
    _check_own(call, entry)
    if reload and entry.kind != "Cached":
        raise BadRequestData("Only a cached context can be reloaded", field="reload")
    await door.contexts.delete(call.segments[1], reload=reload, tenant=call.tenant)
    return NO_CONTENT


def _check_own(call: Call, entry: Entry) -> None:
    """Contexts change what names mean for all who use them. A hosted one is its creator's to delete, an implicit one
    the subscriber's. A fetched one is shared by all tenants and the city's administrators delete it. Raises Forbidden.
    """
    actor = call.actor
    if entry.creator and entry.creator == actor.principal.id:
        return
    if administers(actor) and actor.access.enters(""):
        return
    raise Forbidden("Only its creator and the city's administrators may delete or reload this @context")


async def serve_bundled(door: Door, call: Call) -> Answer:
    """GET /ngsi-ld/contexts/{name}: the city context and the core context, for everybody."""
    name = call.segments[0]
    document = bundled_document(f"http://localhost/ngsi-ld/contexts/{name}")
    if document is None:
        raise ResourceNotFound(f"There is no context {name[:200]!r}")
    return Answer(200, orjson.dumps(document), LD_JSON, [(b"cache-control", b"public, max-age=3600")])
