"""Plain data of subscriptions: the watch, the content, the receiver, and the outcome (CIM 009 §5.2.12 – §5.2.15)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Final

from andaman.broker.contexts.model import Context
from andaman.broker.entity.compat import Version
from andaman.broker.entity.linked import Join
from andaman.broker.entity.represent import View
from andaman.broker.query.ast import GeoQuery, QExpr, ScopeExpr, TypeExpr
from andaman.kernel.time import Micros

Content = dict[str, Any]
"""A subscription as JSON, names expanded to IRIs, without @context and read-only members."""


class Trigger(IntFlag):
    """Kinds of changes that may notify (Table 5.2.12-1)."""

    ENTITY_CREATED = 1
    ENTITY_DELETED = 2
    ATTRIBUTE_CREATED = 4
    ATTRIBUTE_UPDATED = 8
    ATTRIBUTE_DELETED = 16


TRIGGERS: Final = {
    "entityCreated": Trigger.ENTITY_CREATED,
    "entityDeleted": Trigger.ENTITY_DELETED,
    "attributeCreated": Trigger.ATTRIBUTE_CREATED,
    "attributeUpdated": Trigger.ATTRIBUTE_UPDATED,
    "attributeDeleted": Trigger.ATTRIBUTE_DELETED,
    # by definition the same as the three kinds of attribute changes together
    "entityUpdated": Trigger.ATTRIBUTE_CREATED | Trigger.ATTRIBUTE_UPDATED | Trigger.ATTRIBUTE_DELETED,
}
DEFAULT_TRIGGERS: Final = ["attributeCreated", "attributeUpdated"]


@dataclass(frozen=True, slots=True)
class Selector:
    """§5.2.33: entities by type, and perhaps by id or id pattern. ``types`` None: any type."""

    types: TypeExpr | None
    ids: frozenset[str] = frozenset()
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """When a change concerns a subscription. ``selectors`` empty: any entity; ``watched`` None: any attribute."""

    selectors: tuple[Selector, ...] = ()
    watched: frozenset[str] | None = None
    triggers: Trigger = Trigger.ATTRIBUTE_CREATED | Trigger.ATTRIBUTE_UPDATED
    q: QExpr | None = None
    geo: GeoQuery | None = None
    scope: ScopeExpr | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How the entities of a notification look (§5.2.14)."""

    view: View
    media: str = "application/json"
    show_changes: bool = False
    join: Join | None = None
    version: Version | None = None  # of the specification, for receivers that know no newer one (§4.3.6.8)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The receiver of notifications (§5.2.15). Times in seconds."""

    uri: str
    accept: str = "application/json"
    timeout_s: float = 10.0
    cooldown_s: float = 0.0
    receiver_info: tuple[tuple[str, str], ...] = ()
    notifier_info: tuple[tuple[str, str], ...] = ()

    @property
    def is_mqtt(self) -> bool:
        return self.uri[:4].lower() == "mqtt"


@dataclass(frozen=True, slots=True)
class Owner:
    """The principal whose rights a subscription has. They are looked up anew when accounts, tokens or the policy
    change.
    """

    id: str  # of the principal: "user:…", "token:…"
    purpose: str = ""  # of the session that made the subscription
    era: Micros = 0  # of the password that session stood on


@dataclass(slots=True)
class Counters:
    """How deliveries went. ``last_*``: 0 for never."""

    sent: int = 0
    failed: int = 0
    last_notification: Micros = 0
    last_success: Micros = 0
    last_failure: Micros = 0

    @property
    def status(self) -> str:
        """ "ok" or "failed" by the last attempt that ended; "" before the first."""
        if not (self.last_success or self.last_failure):
            return ""
        return "ok" if self.last_success >= self.last_failure else "failed"

    def __bool__(self) -> bool:
        return bool(self.sent or self.failed)


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription, kept and compiled.

    ``key``: made at creation, never used again: notification ids hang on it, not on the id that a client may reuse.
    ``sources``: @context values by use: "context" to send with, "q" for the names in ``q``.
    """

    tenant: str
    id: str
    key: str
    content: Content
    sources: dict[str, Any]
    owner: Owner
    created: Micros
    modified: Micros
    condition: Condition
    form: Form
    endpoint: Endpoint
    context: Context
    throttling: Micros = 0
    interval: Micros = 0
    expires: Micros = 0  # 0: never
    active: bool = True
    counters: Counters = field(default_factory=Counters)
    extra: dict[str, Any] = field(default_factory=dict)  # of its copies elsewhere, see remote.py
    baseless: bool = field(default=False, init=False)  # its owner has no rights here now: nothing is told

    def status(self, now: Micros) -> str:
        """§5.2.12: "active", "paused" or "expired"."""
        if self.expires and self.expires <= now:
            return "expired"
        return "active" if self.active else "paused"

    def shown_status(self, now: Micros) -> tuple[str, str]:
        """The status that a client sees, and why it is paused if nobody paused it."""
        status = self.status(now)
        if status != "active" or not self.baseless:
            return status, ""
        return (
            "paused",
            f"{self.owner.id} has no rights here now, or another password than when this was made",
        )
