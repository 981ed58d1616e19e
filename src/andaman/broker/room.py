"""Rooms of the broker: the store, and what works with brokers, sources and receivers elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from andaman.broker.contexts import ContextStore, read_mirrors
from andaman.broker.contexts.book import FILE as CONTEXT_BOOK
from andaman.broker.contexts.book import KIND as CONTEXTS
from andaman.broker.contexts.book import ContextBook
from andaman.broker.entity.build import iri
from andaman.broker.exchange.copies import RemoteCopies
from andaman.broker.expiry import ExpirySweep
from andaman.broker.ledger.startup_checks import SlowCheck
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.map_store import KIND as ENTITY_MAPS
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.registry.store import KIND as REGISTRATIONS
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.snapshots.store import KIND as SNAPSHOTS
from andaman.broker.subscriptions.service import Subscriptions
from andaman.broker.subscriptions.store import KIND as SUBSCRIPTIONS
from andaman.identity.owners import Owners
from andaman.identity.policy import Policy, default_configuring, default_writes
from andaman.identity.service import Identity
from andaman.kernel.secrets import Secrets
from andaman.room import MB, Background, Built, Room, Site, setting

_RECEIVERS_AT_ONCE = 256
"""Connections to one receiver of notifications."""


@dataclass(frozen=True)
class StoreSettings:
    cache_mb: int = setting(64, "Memory for recently used entity bodies.", 1, 65536)
    history_memory_mb: int = setting(128, "Memory limit of the history engine (DuckDB).", 32, 262144)
    start_damaged: bool = setting(
        False,
        "Start with a damaged ledger, to reach the data that is left when there is no backup.",
    )


@dataclass(frozen=True)
class ExchangeSettings:
    source_alias: str = setting(
        "",
        "Name of this broker among others that it works with (NGSI-LD Via); empty: a generated one, kept with the data.",
    )
    context_mirrors: str = setting(
        "",
        "Prefixes of @context addresses answered from elsewhere: FROM=TO pairs with spaces between; TO may be local.",
    )


class _Store:
    """The broker, as background work."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def start(self) -> None:
        await self._broker.start()

    async def stop(self) -> None:
        """It is closed at the end, also where it was never started."""


def build_store(site: Site, settings: StoreSettings) -> Built:
    site.services.get(Policy).begin(default_writes(site.types, iri), default_configuring(site.types, iri))
    broker = site.services.add(
        Broker.open(
            site.directory,
            clock=site.clock,
            cache_bytes=settings.cache_mb * MB,
            min_free_bytes=site.reserve.least_free_bytes,
            history_memory_mb=settings.history_memory_mb,
            check=not settings.start_damaged,
        )
    )
    site.reserve.on_change(broker.keep_free)
    site.clock.begin(broker.last_commit)
    check = SlowCheck(site.directory)
    background: list[Background] = [_Store(broker), check, site.reserve, ExpirySweep(broker, site.clock)]
    return Built(
        background=background,
        close=[broker.close],
        abandon=[broker.abandon],
        metrics=[broker, check],
        late_metrics=[broker.history_metrics],
    )


def build_exchange(site: Site, settings: ExchangeSettings) -> Built:
    services, clock, allow_private = site.services, site.clock, site.allow_private
    broker, identity, owners = services.get(Broker), services.get(Identity), services.get(Owners)
    contexts = services.add(
        ContextStore(
            site.directory / "contexts",
            allow_private=site.settings.context_allow_loopback,
            mirrors=read_mirrors(settings.context_mirrors),
            book=ContextBook(site.directory / CONTEXT_BOOK),
        )
    )
    secrets = services.get(Secrets)
    outgoing = services.add(OutgoingClient(allow_private=allow_private, secrets=secrets))
    registry = services.add(
        Registry.open(site.directory, broker, clock, alias=settings.source_alias, secrets=secrets)
    )
    watches = services.add(
        SourceSubscriptions(registry, contexts, outgoing, allow_private=allow_private, clock=clock)
    )
    registry.may_register, watches.may_watch = owners.may_register, owners.may_watch
    watches.access_of = owners.access_of
    sender = OutgoingClient(allow_private=allow_private, per_host=_RECEIVERS_AT_ONCE, secrets=secrets)

    def subscriptions_of(store: Broker, place: Path, snapshot: str = "") -> Subscriptions:
        return Subscriptions(
            store,
            contexts,
            place,
            owners,
            sender,
            allow_private=allow_private,
            clock=clock,
            marks={"snapshot": snapshot} if snapshot else None,
            secrets=secrets,
        )

    subscriptions = services.add(subscriptions_of(broker, site.directory))
    snapshots = services.add(
        Snapshots(
            broker,
            site.directory,
            outgoing,
            allow_private=allow_private,
            clock=clock,
            min_free_bytes=site.reserve.least_free_bytes,
            subscribe=subscriptions_of,
            owners=owners,
            secrets=secrets,
        )
    )
    for one in (registry, watches, subscriptions, snapshots):
        identity.on_change(one.rights_changed)
    copies = RemoteCopies(subscriptions, registry, broker, outgoing)
    return Built(
        background=[registry, watches, subscriptions, snapshots, copies],
        close=[contexts.close, registry.close, outgoing.close],
        abandon=[contexts.close, registry.close, outgoing.close],
        metrics=[subscriptions, snapshots],
    )


STORE = Room("broker", build_store, StoreSettings, of_broker=True)
EXCHANGE = Room(
    "broker.exchange",
    build_exchange,
    ExchangeSettings,
    stores=(SUBSCRIPTIONS, REGISTRATIONS, SNAPSHOTS, CONTEXTS, ENTITY_MAPS),
    of_broker=True,
)
