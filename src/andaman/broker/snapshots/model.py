"""A snapshot as the broker knows it, and what requests may say of one (CIM 009 §5.2.41, §5.16). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.entity.names import NULL, check_uri, plain_members
from andaman.broker.query.period import parse_period
from andaman.broker.subscriptions.endpoint import read_endpoint
from andaman.broker.subscriptions.model import Endpoint
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import DAY, Micros, format_time

PREPARING, SUCCESS, PARTIAL, EMPTY, FAILURE = "preparing", "success", "partial", "empty", "failure"
USABLE: Final = frozenset({SUCCESS, PARTIAL, EMPTY})
QUERIES: Final = "snapshotQueries"
TEMPORAL_QUERIES: Final = "snapshotTemporalQueries"
DETAILS: Final = "snapshotQueriesDetails"
TEMPORAL_DETAILS: Final = "snapshotTemporalQueriesDetails"
PRIORITY: Final = 5
_PRIORITIES: Final = range(1, 11)
_CHANGEABLE: Final = frozenset({"snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo"})
_READ_ONLY: Final = frozenset(
    {"snapshotStatus", DETAILS, TEMPORAL_DETAILS, "createdAt", "modifiedAt", "expiresAt", "lastUsedAt"}
)
_GIVEN: Final = _CHANGEABLE | {"id", "type", QUERIES, TEMPORAL_QUERIES}
MEMBERS: Final = _GIVEN | _READ_ONLY
_MONTH: Final = 30 * DAY
_SHORTEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a platform's snapshots. Times in µs."""

    of_one: int = 50  # snapshots of one principal in one tenant
    in_all: int = 500
    entities: int = 100_000  # of one snapshot
    bytes_of_one: int = 512 << 20
    bytes_in_all: int = 2 << 30
    queries: int = 50  # of one snapshot, both kinds together
    at_once: int = 2  # being made at the same time; others wait
    lifetime: Micros = DAY
    longest: Micros = 30 * DAY


@dataclass(slots=True, eq=False)
class Snapshot:
    """§5.2.41, with members that no client sees. ``key`` names its store, and ``owner`` is the principal that made it.
    ``moment`` is the instant and ``position`` the journal's end that it shows of the broker's own entities.
    """

    tenant: str
    id: str
    key: str
    owner: str
    created: Micros
    modified: Micros
    expires: Micros
    used: Micros
    moment: Micros = 0
    position: int = 0
    status: str = PREPARING
    bytes: int = 0
    queries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by member, names expanded
    details: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)  # members that can be changed, as given
    purpose: str = ""  # of the session that made it
    era: int = 0  # of the password that session stood on

    @property
    def priority(self) -> int:
        return int(self.told.get("snapshotPriority", PRIORITY))

    @property
    def endpoint(self) -> Endpoint | None:
        return endpoint_of(self.told)

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        names = [name for name in Snapshot.__slots__ if name != "tenant"]
        return {name: getattr(self, name) for name in names}

    def shown(self) -> dict[str, Any]:
        """As clients see it, without names being shortened."""
        return {
            "id": self.id,
            "type": "Snapshot",
            **self.queries,
            **self.told,
            "snapshotPriority": self.priority,
            "snapshotStatus": self.status,
            **self.details,
            "createdAt": format_time(self.created),
            "modifiedAt": format_time(self.modified),
            "expiresAt": format_time(self.expires),
            "lastUsedAt": format_time(self.used),
        }

    def notification(self, notification_id: str, now: Micros) -> dict[str, Any]:
        """SnapshotNotification (§5.3.4). An expiresAt before notifiedAt says that the snapshot is gone."""
        out: dict[str, Any] = {
            "id": notification_id,
            "type": "SnapshotNotification",
            "notifiedAt": format_time(now),
            "snapshotId": self.id,
            "snapshotStatus": self.status,
            "snapshotPriority": self.priority,
            "expiresAt": format_time(self.expires),
        }
        # Table 5.3.4-1 calls the second list by another name than Table 5.2.41-2.
        for name, told in ((DETAILS, DETAILS), (TEMPORAL_DETAILS, "temporalSnapshotQueriesDetails")):
            if name in self.details:
                out[told] = self.details[name]
        return out


def of_document(tenant: str, document: Mapping[str, Any]) -> Snapshot:
    return Snapshot(tenant, **document)


def endpoint_of(told: Mapping[str, Any]) -> Endpoint | None:
    uri = told.get("endpoint")
    if uri is None:
        return None
    endpoint, _ = read_endpoint({"uri": uri, "receiverInfo": told.get("receiverInfo", [])}, "endpoint")
    return endpoint


def checked(payload: Any, *, new: bool = False, clone: bool = False) -> dict[str, Any]:
    """The members that a request may give, without read-only ones and without ``type``.

    ``new``: creation, which needs queries; ``clone`` and updates must not have any. In an update a member that is null is
    to be taken away. Raises BadRequestData with ``field``.
    """
    if not isinstance(payload, dict):
        raise BadRequestData("A snapshot must be a JSON object")
    payload = plain_members(payload)
    if payload.get("type", None if new else "Snapshot") != "Snapshot":
        raise BadRequestData('The type of a snapshot must be "Snapshot"', field="type")
    given = {name: value for name, value in payload.items() if name in _GIVEN and name != "type"}
    update = not (new or clone)
    for name in list(given):
        if given[name] is None or given[name] == NULL:
            if not update or name not in _CHANGEABLE:
                raise BadRequestData(f"{name} cannot be null", field=name)
            given[name] = None
    unknown = payload.keys() - MEMBERS
    if unknown:
        name = min(unknown)
        raise BadRequestData(f"A snapshot has no member {name[:80]!r}", field=name[:80])
    if "id" in given:
        if update:
            raise BadRequestData("The id of a snapshot never changes", field="id")
        check_uri(given["id"], "id")
    for name in (QUERIES, TEMPORAL_QUERIES):
        if name in given and not new:
            raise BadRequestData(
                f"{name} is said when a snapshot is created, and never changes after that", field=name
            )
        if name in given:
            _check_queries(name, given[name])
    if new and not given.keys() & {QUERIES, TEMPORAL_QUERIES}:
        raise BadRequestData(f"A snapshot needs {QUERIES} or {TEMPORAL_QUERIES}", field=QUERIES)
    _check_changeable(given)
    return given


def _check_queries(name: str, value: Any) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise BadRequestData(f"{name} must be a list of one query or more", field=name)
    for one in value:
        if (name == TEMPORAL_QUERIES) != ("temporalQ" in one):
            there = "must each have a temporalQ" if name == TEMPORAL_QUERIES else "cannot have a temporalQ"
            raise BadRequestData(f"The queries in {name} {there}", field=f"{name}.temporalQ")


def _check_changeable(given: Mapping[str, Any]) -> None:
    priority = given.get("snapshotPriority")
    if priority is not None and (isinstance(priority, bool) or priority not in _PRIORITIES):
        raise BadRequestData(
            "snapshotPriority must be a whole number from 1 (first to go) to 10", field="snapshotPriority"
        )
    if given.get("snapshotLifetime") is not None:
        lifetime_of(given["snapshotLifetime"])
    uri = given.get("endpoint")
    if uri is not None and not isinstance(uri, str):
        raise BadRequestData("endpoint must be a URL such as https://example.org/notify", field="endpoint")
    if given.get("receiverInfo") is not None or uri is not None:
        uri = uri or "https://example.org/"
        info = given.get("receiverInfo")
        read_endpoint({"uri": uri, "receiverInfo": [] if info is None else info}, "endpoint")


def lifetime_of(text: Any) -> Micros:
    """``snapshotLifetime``, an ISO 8601 duration, in µs. Raises BadRequestData."""
    try:
        period = parse_period(str(text))
    except BadRequestData:
        raise BadRequestData(
            f"snapshotLifetime {str(text)[:40]!r} is not an ISO 8601 duration such as PT1H or P7D",
            field="snapshotLifetime",
        ) from None
    asked = period.months * _MONTH + period.days * DAY + period.micros
    if asked < _SHORTEST:
        raise BadRequestData("snapshotLifetime must be a second or longer", field="snapshotLifetime")
    return asked
