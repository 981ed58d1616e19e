"""The tools of every NGSI-LD handler: the broker, contexts of requests, and answers in the right representation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.entity.compat import NATIVE, amended, preferred
from andaman.broker.model import WriteOp, WriteResult
from andaman.broker.registry.maps import EntityMaps
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild.distributed.sources import Sources
from andaman.doors.ngsild.http import JSON, LD_CONTEXT_REL, LD_JSON, Answer, Call
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Clock, system_clock

BASE: Final = "/ngsi-ld/v1"
_AMENDED: Final = frozenset({"entities", "entityOperations"})


@dataclass(frozen=True, slots=True)
class NgsiLdOptions:
    """Limits of the door. ``public_url`` (scheme and host) is for hosted contexts' addresses."""

    max_body: int = 10 * 1024 * 1024
    max_batch: int = 10_000
    default_limit: int = 20
    max_limit: int = 1000
    max_instances: int = 1000
    public_url: str = ""


Handler = Callable[["Door", Call], Awaitable[Answer]]


class Door:
    """The collaborators of the handlers; stateless beyond them."""

    __slots__ = (
        "broker",
        "clock",
        "contexts",
        "maps",
        "options",
        "registry",
        "snapshots",
        "sources",
        "started",
        "subscriptions",
        "watches",
    )

    def __init__(
        self,
        broker: Broker,
        contexts: ContextStore,
        options: NgsiLdOptions,
        clock: Clock = system_clock,
        registry: Registry | None = None,
        subscriptions: Subscriptions | None = None,
    ) -> None:
        self.broker = broker
        self.contexts = contexts
        self.options = options
        self.clock = clock
        self.registry = registry
        self.sources: Sources | None = None
        self.watches: SourceSubscriptions | None = None
        self.snapshots: Snapshots | None = None
        self.maps = EntityMaps() if registry is None else registry.maps
        self.subscriptions = subscriptions
        self.started = clock()

    def with_broker(self, broker: Any) -> Door:
        """The same door before something that answers like a broker: one that asks other sources too, for example."""
        other = object.__new__(Door)
        for name in Door.__slots__:
            setattr(other, name, getattr(self, name))
        other.broker = broker
        return other

    def alias(self, tenant: str) -> str:
        """What this broker is called among others (§5.2.40), each tenant by itself (§4.3.6.4)."""
        name = "andaman" if self.registry is None else self.registry.alias
        return f"{name}-{tenant}" if tenant else name

    # -- contexts (§5.5.5, §6.3.5) --------------------------------------------------------------------------
    async def link_context(self, call: Call) -> Context:
        """The context of a request without a body: from its Link header, else the core context."""
        url = call.link_context()
        return self.contexts.core if url is None else await self._resolve(call, url)

    async def _resolve(self, call: Call, source: Any) -> Context:
        """Only who has signed in may make the platform fetch something."""
        found = self.contexts.cached(source)
        if found is not None:
            return found
        context = await self.contexts.resolve(source, fetch=call.actor.principal.id != "public")
        call.still_admitted()  # fetching takes as long as its server likes
        return context

    async def body_context(self, call: Call, payload: Any, ld: bool) -> Context:
        """The context of a request with a body. Takes ``@context`` out of ``payload``.

        application/ld+json wants it in the body and nowhere else, application/json in the Link header or nowhere.
        """
        if not ld:
            if isinstance(payload, dict) and "@context" in payload:
                raise BadRequestData(
                    "A body with @context must be sent as application/ld+json", field="@context"
                )
            return await self.link_context(call)
        if call.link_context() is not None:
            raise BadRequestData(
                "application/ld+json has its @context in the body; leave out the Link header", field="Link"
            )
        if not isinstance(payload, dict) or "@context" not in payload:
            raise BadRequestData("application/ld+json needs an @context in the body", field="@context")
        source = payload.pop("@context")
        if not isinstance(source, (str, dict, list)) or not source:
            raise BadRequestData("@context must be a URL, an object or a list of these", field="@context")
        return await self._resolve(call, source)

    # -- answers --------------------------------------------------------------------------------------------
    def represented(
        self,
        call: Call,
        content: Any,
        media: bytes,
        context: Context,
        headers: list[tuple[bytes, bytes]] | None = None,
        status: int = 200,
    ) -> Answer:
        """Content with its @context where the media type wants it (§6.3.5, §6.3.6)."""
        extra = headers if headers is not None else []
        if b"prefer" in call.headers:
            content, status = _as_preferred(call, content, status, extra)
        if media == JSON:
            extra.append((b"link", _link(context.link)))
        elif media == LD_JSON:
            content = _with_context(content, context)
        elif call.headers.get(b"prefer", b"").strip().lower() == b"body=json":
            extra.append((b"link", _link(context.link)))
            extra.append((b"preference-applied", b"body=json"))
        else:
            content = {**content, "@context": context.member}
        return Answer(status, orjson.dumps(content), media, extra)

    # -- writes ---------------------------------------------------------------------------------------------
    async def write_one(self, call: Call, op: WriteOp) -> WriteResult:
        """One operation; its error is raised."""
        (result,) = await self.broker.write([op], call.actor, call.tenant, size=call.size)
        if result.error is not None:
            raise result.error
        return result


def _as_preferred(
    call: Call, content: Any, status: int, headers: list[tuple[bytes, bytes]]
) -> tuple[Any, int]:
    """Entities in the version that is preferred; 203 when that changed them (§4.3.6.8). All else stays as it is."""
    version = preferred(call.headers[b"prefer"])
    if version is None or version > NATIVE:
        return content, status
    made = amended(content, version) if call.segments[0] in _AMENDED else content
    headers.append((b"preference-applied", b"ngsi-ld=%d.%d" % version))
    return made, status if made == content else 203


def entity_path(entity_id: str) -> str:
    """The path of an entity, for Location headers."""
    return f"{BASE}/entities/{quote(entity_id, safe=':@!$&*+,;=-._~')}"


_links: dict[str, bytes] = {}


def _link(url: str) -> bytes:
    found = _links.get(url)
    if found is None:
        safe = quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")
        found = f'<{safe}>; rel="{LD_CONTEXT_REL}"; type="application/ld+json"'.encode("latin-1")
        if len(_links) < 1000:
            _links[url] = found
    return found


def _with_context(content: Any, context: Context) -> Any:
    if isinstance(content, list):
        return [_with_context(one, context) for one in content]
    if isinstance(content, dict):
        return {**content, "@context": context.member}
    return content
