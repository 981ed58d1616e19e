"""The composition root: builds every room's objects once and hands them over. It alone sees every room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from andaman import __version__
from andaman.assessment import routes as assessment_routes
from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.service import AssessmentService
from andaman.broker.contexts import ContextStore, read_mirrors
from andaman.broker.contexts.book import FILE as CONTEXT_BOOK
from andaman.broker.contexts.book import ContextBook
from andaman.broker.entity.build import iri, short
from andaman.broker.expiry import ExpirySweep
from andaman.broker.ledger.sound import SlowCheck
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from andaman.broker.registry.watch import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.remote import RemoteCopies
from andaman.broker.subscriptions.service import Subscriptions
from andaman.catalogue import routes as catalogue_routes
from andaman.catalogue.retention import RetentionKeeper
from andaman.catalogue.seed import default_datasets
from andaman.catalogue.service import Catalogue, copy_agencies
from andaman.city.pack import Pack, install, load_pack
from andaman.command import routes as command_routes
from andaman.command.service import CommandService
from andaman.doors import web
from andaman.doors.live.hub import Hub
from andaman.doors.live.routes import LiveDoor
from andaman.doors.ngsild.app import NgsiLdApp
from andaman.doors.ngsild.door import NgsiLdOptions
from andaman.doors.ngsild.entries import ngsild_doors
from andaman.doors.past import routes as past_routes
from andaman.doors.tiles.door import TileDoor
from andaman.http import health_door, screens_app
from andaman.identity import routes as identity_routes
from andaman.identity.doors import BoundDoor, checked
from andaman.identity.following import RightsFollower
from andaman.identity.gate import Gate, NoAuthGate
from andaman.identity.limits import Limits
from andaman.identity.model import Actor, Principal, Role, system_actor
from andaman.identity.owners import Owners
from andaman.identity.policy import Policy, PolicyTable, default_configuring, default_writes
from andaman.identity.readers import everything, readers_of
from andaman.identity.recognition import Lifetimes
from andaman.identity.service import Identity
from andaman.identity.tokens import figures
from andaman.ingest import (
    DeadLetterStore,
    Feed,
    FeedManager,
    MqttAddress,
    MqttFeed,
    city_feeds,
    load_mapping,
    open_client_id,
)
from andaman.ingest import routes as ingest_routes
from andaman.kernel.clock import WatchedClock
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.storage import is_open_to_others
from andaman.kernel.time import DAY, HOUR, MINUTE, Clock, system_clock
from andaman.losses import IDENTITY, check_whole, note_stores
from andaman.observe.metrics import Metrics
from andaman.observe.requests import Requests
from andaman.programme import routes as programme_routes
from andaman.programme.service import ProgrammeService
from andaman.reserve import Reserve
from andaman.roadmap import routes as roadmap_routes
from andaman.roadmap.service import RoadmapService
from andaman.settings import Settings
from andaman.side_files import set_aside_damaged
from andaman.training import routes as training_routes
from andaman.training.service import TrainingService

log = logging.getLogger("andaman")
Progress = Callable[[int, int], None]
_MB = 1 << 20


class Part(Protocol):
    """A room's background work."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class App:
    """The whole platform over one data directory. ``asgi`` answers requests between ``start`` and ``stop``."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.clock = clock = WatchedClock(clock, int(settings.clock_ahead_days * DAY))
        self.stopping = asyncio.Event()
        directory = settings.data_dir
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unavailable(f"The data directory {directory} cannot be made: {error.strerror}") from None
        if is_open_to_others(directory):
            log.warning(
                "Other users may look into %s, which holds personal data: chmod 700 %s", directory, directory
            )
        self.reserve = Reserve(directory, int(settings.min_free_mb * _MB))
        self.reserve.take()
        check_whole(directory)
        self.policy = Policy(PolicyTable((), default_writes(iri), default_configuring(iri)))
        self.identity = open_identity(settings, self.policy, clock)
        self.broker = Broker.open(
            directory,
            clock=clock,
            cache_bytes=settings.cache_mb * _MB,
            min_free_bytes=self.reserve.least_free_bytes,
            history_memory_mb=settings.history_memory_mb,
            check=not settings.start_damaged,
        )
        set_aside_damaged(directory)
        self.reserve.on_change(self.broker.keep_free)
        self.identity.store.make_room = self.reserve.give_up
        note_stores(directory)  # accounts that were made before the first start are missed from now on
        clock.begin(self.broker.last_commit)
        self.slow_check = SlowCheck(directory)
        self.contexts = ContextStore(
            directory / "contexts",
            allow_private=settings.context_allow_loopback,
            mirrors=read_mirrors(settings.context_mirrors),
            book=ContextBook(directory / CONTEXT_BOOK),
        )
        self.outgoing = OutgoingClient(allow_private=settings.context_allow_loopback or settings.no_auth)
        self.registry = Registry.open(directory, self.broker, clock, alias=settings.source_alias)
        self.watches = SourceSubscriptions(
            self.registry,
            self.contexts,
            self.outgoing,
            allow_private=settings.context_allow_loopback or settings.no_auth,
            clock=clock,
        )
        owners = Owners(self.identity, settings.no_auth)
        self.registry.may_register, self.watches.may_watch = owners.may_register, owners.may_watch
        self.watches.access_of = owners.access_of
        self.identity.on_change(self.registry.rights_changed)
        self.identity.on_change(self.watches.rights_changed)
        sender = OutgoingClient(
            allow_private=settings.context_allow_loopback or settings.no_auth, per_host=256
        )

        def subscriptions(broker: Broker, place: Path, snapshot: str = "") -> Subscriptions:
            return Subscriptions(
                broker,
                self.contexts,
                place,
                owners,
                sender,
                allow_private=settings.context_allow_loopback or settings.no_auth,
                clock=clock,
                marks={"snapshot": snapshot} if snapshot else None,
            )

        self.subscriptions = subscriptions(self.broker, directory)
        self.identity.on_change(self.subscriptions.rights_changed)
        self.snapshots = Snapshots(
            self.broker,
            directory,
            self.outgoing,
            allow_private=settings.context_allow_loopback or settings.no_auth,
            clock=clock,
            min_free_bytes=self.reserve.least_free_bytes,
            subscribe=subscriptions,
            owners=owners,
        )
        self.identity.on_change(self.snapshots.rights_changed)
        self.pack: Pack | None = load_pack(settings.pack) if settings.pack else None
        self.live = Hub(self.broker, clock=clock)
        seed = () if settings.broker_only else default_datasets()
        self.catalogue = Catalogue(self.broker, self.policy, seed=seed, clock=clock)
        self.retention = RetentionKeeper(
            self.catalogue,
            self.broker.condense_history,
            self.identity.audit.add,
            clock,
            progress=self.broker.history_condensing,
        )
        self.tiles = TileDoor(self.broker, self.pack)
        readers = everything if settings.no_auth else readers_of(self.policy)
        self.command = CommandService(
            self.broker,
            directory,
            clock,
            simulate=settings.unit_simulator,
            default_rules=self.pack is not None,
            readers=readers,
        )
        self.policy.on_change(self.command.policy_changed)
        self.letters = DeadLetterStore(directory / "deadletter.db")
        self.feeds = FeedManager(self.broker, self._feeds(), directory, clock=clock, letters=self.letters)
        self.assessment = AssessmentService(self.broker, clock, readers=readers)
        self.policy.on_change(self.assessment.policy_changed)
        self.connectivity = ConnectivityService(self.assessment)
        self.roadmap = RoadmapService(self.assessment, clock)
        self.training = TrainingService(
            self.broker, clock, self.identity.tenants, settings.drill_keep_days * DAY
        )
        self.programme = ProgrammeService(self.broker, clock)
        self.parts: list[Part] = [
            self.catalogue,  # before anything is told to anybody: until then nobody knows what is secret
            RightsFollower(self.identity),
            self.slow_check,
            self.reserve,
            ExpirySweep(self.broker, clock),
            self.registry,
            self.watches,
            self.subscriptions,
            self.snapshots,
            RemoteCopies(self.subscriptions, self.registry, self.broker, self.outgoing),
            self.retention,
            self.live,
            self.tiles,
            self.command,
            self.feeds,
            self.assessment,
            self.roadmap,
            self.training,
        ]
        if settings.broker_only:
            own = (self.tiles, self.command, self.assessment, self.roadmap, self.training)
            self.parts = [part for part in self.parts if part not in own]
        self.on_install: Progress | None = None
        self._started: list[Part] = []
        ngsild = NgsiLdApp(
            self.broker,
            self.contexts,
            NgsiLdOptions(
                max_body=settings.max_body_mb * _MB,
                max_instances=settings.temporal_page or (30 if settings.no_auth else 1000),
                public_url=settings.public_url,
            ),
            clock,
            self.registry,
            self.subscriptions,
            self.outgoing,
            self.watches,
            self.snapshots,
        )
        self.metrics = Metrics(
            [
                self.broker,
                self.clock,
                self.feeds,
                self.live,
                self.subscriptions,
                self.snapshots,
                self.slow_check,
            ],
            late=[self.broker.history_metrics, self.letters.metrics, self.identity.tokens.metrics],
            loopback=settings.metrics_loopback,
        )
        screens = self._screen_doors()
        self.doors: list[BoundDoor] = checked([*ngsild_doors(), *screens])
        """The table of doors, as built."""
        requests = Requests(
            self._gate(_Dispatch(ngsild, screens_app(screens))),
            slow_s=settings.slow_request_ms / 1000,
            every=settings.log_requests,
        )
        self.metrics.rooms.append(requests)
        self.asgi: ASGIApp = requests

    def _feeds(self) -> list[Feed]:
        settings = self.settings
        feeds: list[Feed] = []
        if settings.feeds and self.pack is not None:
            feeds += city_feeds(self.pack, replay_speed=settings.feed_speed)
        client_id = open_client_id(settings.data_dir, settings.mqtt_client_id)
        if settings.mqtt_url:
            if not settings.mqtt_mapping:
                raise Unavailable("mqtt_url is set, but mqtt_mapping names no file; see docs/rooms/ingest.md")
            mapping = load_mapping(Path(settings.mqtt_mapping))
            feeds.append(MqttFeed(MqttAddress.parse(settings.mqtt_url), mapping, self.letters, client_id))
        return feeds

    def _gate(self, app: ASGIApp) -> ASGIApp:
        if self.settings.no_auth:
            if self.settings.host not in ("127.0.0.1", "::1", "localhost"):
                raise Unavailable("--no-auth listens on loopback only; leave out --host or sign-in stays on")
            return NoAuthGate(app)
        origins = [self.settings.public_url.rstrip("/")] if self.settings.public_url else []
        limits = Limits(self.settings.public_queries_per_minute, self.settings.public_sockets_per_address)
        self.metrics.rooms.append(limits)
        return Gate(app, self.identity, allowed_origins=origins, limits=limits)

    def _screen_doors(self) -> list[BoundDoor]:
        found = [health_door(self.health), self.metrics.door()]
        found += identity_routes.routes(self.identity, self.broker, expand=iri, shorten=short)
        live = LiveDoor(self.live, on_change=self.identity.on_change, name_of=self.identity.name_of)
        self.metrics.rooms.append(live)
        found += live.routes()
        found += past_routes.routes(self.broker)
        found += self.tiles.routes()
        found += command_routes.routes(self.command)
        found += catalogue_routes.routes(self.catalogue)
        found += ingest_routes(self.feeds, self.letters)
        found += assessment_routes.routes(self.assessment, self.connectivity)
        found += roadmap_routes.routes(self.roadmap)
        found += training_routes.routes(self.training)
        found += programme_routes.routes(self.programme)
        found += web.routes()
        return found

    def health(self) -> dict[str, object]:
        """What /api/health tells everybody: alive, which version, and whether the machine's clock is in order."""
        return {
            "status": "stopping" if self.stopping.is_set() else "ok",
            "version": __version__,
            "clock": next((fault.trouble.value for fault in self.clock.faults()), "ok"),
        }

    async def start(self) -> None:
        """Start the broker, install the pack where its content is new, then the rooms' background work."""
        await self.broker.start()
        if self.pack is not None:
            report = await install(self.pack, self.broker, system_actor("city"), self.on_install)
            log.info("city pack %s: %s", self.pack.id, report)
        await copy_agencies(self.broker, self.identity)
        await self._tell_of_fallen_tokens()
        for part in self.parts:
            await part.start()
            self._started.append(part)
        await asyncio.to_thread(note_stores, self.settings.data_dir)

    async def _tell_of_fallen_tokens(self) -> None:
        """Also at the first start of a release that has tokens end with their makers."""
        fallen = (await asyncio.to_thread(figures, self.identity.store, self.clock()))[2]
        if fallen:
            log.warning(
                "%d tokens are not in force because whoever answered for them is not: andaman token list --all --data %s says "
                "which and why, andaman token own ID takes one over",
                fallen,
                self.settings.data_dir,
            )

    async def stop(self) -> None:
        """Stop everything in reverse order; what was acknowledged is on disk already."""
        self.stopping.set()
        for part in reversed(self._started):
            try:
                await part.stop()
            except Exception:
                log.exception("%s did not stop cleanly", type(part).__name__)
        self._started.clear()
        await self.broker.close()
        self.outgoing.close()
        self.registry.close()
        self.letters.close()
        self.contexts.close()
        await self.identity.close()


class _Dispatch:
    """The first fork of a request: hot doors are raw ASGI, the rest is Starlette."""

    def __init__(self, ngsild: ASGIApp, screens: ASGIApp) -> None:
        self._ngsild = ngsild
        self._screens = screens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/ngsi-ld/"):
            await self._ngsild(scope, receive, send)
        else:
            await self._screens(scope, receive, send)


def build(settings: Settings, clock: Clock = system_clock) -> App:
    """The platform, opened but not started. Raises Unavailable when its data cannot be had."""
    return App(settings, clock)


def open_identity(settings: Settings, policy: Policy | None = None, clock: Clock = system_clock) -> Identity:
    """Accounts and tokens of a data directory; also beside a running server (for the command line)."""
    directory = settings.data_dir
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    check_whole(directory, IDENTITY)
    lifetimes = Lifetimes(
        idle=settings.session_idle_minutes * MINUTE,
        absolute=settings.session_hours * HOUR,
        sessions_max=settings.sessions_max,
    )
    return Identity(directory, policy, clock=clock, lifetimes=lifetimes)


def cli_actor() -> Actor:
    """Whoever can write the data directory administers it; the audit says "command line"."""
    return Actor(Principal("system:cli", "command line", frozenset({Role.ADMINISTRATOR})), origin="cli")


def role_of(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise AndamanError(f"{word!r} is no role; roles are {', '.join(r.value for r in Role)}") from None


async def load_pack_offline(settings: Settings, name: str, progress: Progress) -> int:
    """Install a pack into a data directory that no server is using; returns how many entities were written."""
    pack = load_pack(name)
    broker = Broker.open(settings.data_dir, history=False)
    note_stores(settings.data_dir)
    await broker.start()
    try:
        report = await install(pack, broker, cli_actor(), progress)
    finally:
        await broker.close()
    return report.created + report.updated
