"""The rights to see and write: role × agency × classification × purpose, compiled to a filter.

Pure. A ``PolicyTable`` is made of dataset rules (what is how secret, and whose), write rules (which permission lets
somebody write which types) and the table of roles. ``PolicyAccess`` answers for one set of rights; answers depend on (types, scopes) alone and are
remembered per distinct pair. ``Policy`` holds the table in force and tells its listeners when it is replaced.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from andaman.identity.model import Access, Classification, Principal, Role
from andaman.identity.permissions import WRITE_OWN_DATASETS
from andaman.identity.roles import INVESTIGATION, RoleTable, Sees, shipped_roles
from andaman.vocabulary import EntityType

OPERATIONS: Final = "operations"
"""Purpose of handling emergencies; personal data needs it."""
_MEMO_MAX: Final = 50_000
_NONE: Final[frozenset[str]] = frozenset()
_UNLISTED: Final = frozenset({Sees.UNLISTED, Sees.EVERYTHING})
THE_CITY: Final = frozenset({""})
EVERY_TENANT: Final = frozenset({"*"})
"""Administrators' accounts: anyone who gives tenants away may enter them."""


def scope_within(scope: str, prefix: str) -> bool:
    """``/mobility/bus`` is within ``/mobility`` and within ``/mobility/bus``, not within ``/mob``."""
    return scope == prefix or scope.startswith(prefix.rstrip("/") + "/")


class Demand(NamedTuple):
    """What one dataset demands of who wants to see an entity or an attribute in it."""

    level: Classification
    owner: str  # agency code, empty for none
    purpose: str


@dataclass(frozen=True, slots=True)
class DatasetRule:
    """A dataset's selector and secrecy. An entity in several datasets takes the strictest of them.

    ``types``: IRIs, one of which the entity has; empty for any. ``scope_prefix``: one of the entity's scopes is
    within it; empty for any. A rule with neither selects everything. ``attributes``: IRI → its own, stricter
    classification: where it may not be seen, the attribute looks absent. ``purpose``: what the personal data in it
    was collected for (PDPA B.E. 2562 s. 21).
    """

    code: str
    types: frozenset[str] = _NONE
    scope_prefix: str = ""
    classification: Classification = Classification.SECURITY
    agency: str = ""
    attributes: Mapping[str, Classification] = field(default_factory=dict)
    purpose: str = OPERATIONS

    @property
    def demand(self) -> Demand:
        return Demand(self.classification, self.agency, self.purpose)

    def selects(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        """Does an entity with these types and scopes belong to the dataset?"""
        if self.types and self.types.isdisjoint(types):
            return False
        return not self.scope_prefix or any(scope_within(s, self.scope_prefix) for s in scopes)


@dataclass(frozen=True, slots=True)
class WriteRule:
    """The permission lets people write entities that have one of ``types``; other types must be among ``companions``.

    Companions keep a writer of incidents from making an entity that is an incident *and* a dataset.
    """

    permission: str
    types: frozenset[str]
    companions: frozenset[str] = _NONE

    def allows(self, types: Sequence[str]) -> bool:
        return not self.types.isdisjoint(types) and (self.types | self.companions).issuperset(types)


@dataclass(frozen=True, slots=True)
class WriteLimit:
    """How a token was narrowed. All types must be among ``types`` (empty: any). Every scope must be within one of
    ``scopes`` (empty: any; otherwise the entity needs a scope).
    """

    types: frozenset[str] = _NONE
    scopes: tuple[str, ...] = ()

    def allows(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        if self.types and not self.types.issuperset(types):
            return False
        if not self.scopes:
            return True
        return bool(scopes) and all(any(scope_within(s, p) for p in self.scopes) for s in scopes)


@dataclass(frozen=True, slots=True)
class Rights:
    """The facts about a principal that matter for the policy. ``device``: writes within its limit, without a role.
    ``tenants``: those it may enter, see ``identity.tenants``. ``under``: the rights of those it stands on, all of which
    must allow the same: whoever made a token, and whoever made that one's (``identity.basis``).
    """

    roles: frozenset[str] = frozenset({Role.PUBLIC})
    agency: str = ""
    purpose: str = ""
    limit: WriteLimit | None = None
    device: bool = False
    tenants: frozenset[str] = THE_CITY
    under: tuple[Rights, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """What the table says of one (types, scopes) pair. ``demands``: of every dataset that holds it; empty: in no
    dataset. ``attributes``: (IRI, demand)."""

    demands: frozenset[Demand]
    attributes: tuple[tuple[str, Demand], ...]


class PolicyTable:
    """The compiled rules; immutable. ``fingerprint`` is equal for equal rules.

    ``configuring``: types (IRIs) of entities that the platform reads as its own configuration. ``roles``: those that ship
    where None."""

    def __init__(
        self,
        datasets: Iterable[DatasetRule] = (),
        writes: Iterable[WriteRule] = (),
        configuring: AbstractSet[str] = _NONE,
        roles: RoleTable | None = None,
    ) -> None:
        self.roles = roles or shipped_roles()
        self.configuring = frozenset(configuring)
        self.datasets = tuple(sorted(datasets, key=_canonical))
        self.writes = tuple(sorted(writes, key=_canonical))
        self._by_type: dict[str, list[DatasetRule]] = {}
        self._any_type: list[DatasetRule] = []
        for rule in self.datasets:
            if not rule.types:
                self._any_type.append(rule)
            for name in rule.types:
                self._by_type.setdefault(name, []).append(rule)
        self._memo: dict[tuple[tuple[str, ...], tuple[str, ...]], Placement] = {}
        whole = _canonical((self.datasets, self.writes, self.configuring, self.roles.content))
        self.fingerprint = hashlib.sha256(whole).hexdigest()[:16]

    def datasets_of(self, types: Sequence[str], scopes: Sequence[str]) -> list[DatasetRule]:
        """The datasets an entity with these types and scopes belongs to; also of two that have one code."""
        rules = {id(rule): rule for rule in self._any_type}
        for name in types:
            for rule in self._by_type.get(name, ()):
                rules[id(rule)] = rule
        return [rule for rule in rules.values() if rule.selects(types, scopes)]

    def placement(self, types: tuple[str, ...], scopes: tuple[str, ...]) -> Placement:
        """Classifications, owners and stricter attributes of the pair; remembered."""
        found = self._memo.get((types, scopes))
        if found is None:
            rules = self.datasets_of(types, scopes)
            found = Placement(
                frozenset(r.demand for r in rules),
                tuple(
                    (attr, r.demand._replace(level=level))
                    for r in rules
                    for attr, level in r.attributes.items()
                ),
            )
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            self._memo[types, scopes] = found
        return found


def may_see(sees: AbstractSet[Sees], rights: Rights, demand: Demand) -> bool:
    """Do these rights, of roles that see ``sees``, show data with this demand?

    ============== ======================================================
    classification is seen by roles that see
    ============== ======================================================
    public         anything, or nothing
    personal       ``personal``, where the rights' purpose is the dataset's
    security       ``security``
    secret         ``secret``, where the dataset is of the own agency
    ============== ======================================================

    ``investigation`` sees personal data and secrets of the own agency where the rights have that purpose.
    """
    level, owner, purpose = demand
    if level is Classification.PUBLIC or Sees.EVERYTHING in sees:
        return True
    if level is Classification.SECURITY:
        return Sees.SECURITY in sees
    own = bool(owner) and owner == rights.agency
    if own and rights.purpose == INVESTIGATION and Sees.INVESTIGATION in sees:
        return True
    if level is Classification.PERSONAL:
        return Sees.PERSONAL in sees and rights.purpose == purpose
    return Sees.OFFICIAL_SECRET in sees and own


class PolicyAccess:
    """identity.model.Access for one set of rights under one table; immutable to its users."""

    __slots__ = (
        "_every_tenant",
        "_hidden",
        "_permissions",
        "_rights",
        "_seen",
        "_sees",
        "_table",
        "_under",
        "key",
    )

    def __init__(self, table: PolicyTable, rights: Rights) -> None:
        self._table = table
        self._rights = rights
        self._every_tenant = rights.tenants == EVERY_TENANT
        self._sees = table.roles.sees(rights.roles)
        self._permissions = table.roles.permissions_of(rights.roles)
        self._seen: dict[tuple[tuple[str, ...], tuple[str, ...]], bool] = {}
        self._hidden: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[str]] = {}
        self._under = tuple(PolicyAccess(table, one) for one in rights.under)
        whole = _canonical((table.fingerprint, rights))
        self.key = hashlib.sha256(whole).hexdigest()[:24]

    @property
    def is_narrowed(self) -> bool:
        """Do these rights come from a token that may write some types or scopes only?"""
        return self._rights.limit is not None or any(one.is_narrowed for one in self._under)

    def enters(self, tenant: str) -> bool:
        mine = tenant in self._rights.tenants or self._every_tenant
        return mine and all(one.enters(tenant) for one in self._under)

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        pair = (tuple(types), tuple(scopes))
        answer = self._seen.get(pair)
        if answer is None:
            answer = self._decide(*pair) and all(one.sees(*pair) for one in self._under)
            if len(self._seen) >= _MEMO_MAX:
                self._seen.clear()
            self._seen[pair] = answer
        return answer

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        pair = (tuple(types), tuple(scopes))
        answer = self._hidden.get(pair)
        if answer is None:
            placed = self._table.placement(*pair)
            answer = frozenset(
                attr for attr, demand in placed.attributes if not may_see(self._sees, self._rights, demand)
            ).union(*(one.hidden_attrs(*pair) for one in self._under))
            if len(self._hidden) >= _MEMO_MAX:
                self._hidden.clear()
            self._hidden[pair] = answer
        return answer

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return self._may_write(types, scopes, attrs) and all(
            one.may_write(types, scopes, attrs) for one in self._under
        )

    def _may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        rights = self._rights
        if rights.limit is not None and not rights.limit.allows(types, scopes):
            return False
        if not self._table.configuring.isdisjoint(types) and not self._configures():
            return False
        if not self.sees(types, scopes) or not self.hidden_attrs(types, scopes).isdisjoint(attrs):
            return False
        if Role.ADMINISTRATOR in rights.roles or rights.device:
            return rights.limit is not None or not rights.device
        if any(rule.permission in self._permissions and rule.allows(types) for rule in self._table.writes):
            return True
        return WRITE_OWN_DATASETS.name in self._permissions and self._owns(types, scopes)

    def _configures(self) -> bool:
        """May these rights write what the platform reads as configuration? A narrowed token or a device has its rights on
        data alone, and who is at home in another tenant has none here; no dataset's agency has them either."""
        rights = self._rights
        whole = rights.limit is None and not rights.device and self.enters("")
        return whole and Role.ADMINISTRATOR in rights.roles

    def _decide(self, types: tuple[str, ...], scopes: tuple[str, ...]) -> bool:
        demands = self._table.placement(types, scopes).demands
        if self._rights.device and self._rights.limit and self._rights.limit.allows(types, scopes):
            return True
        if not demands:
            return not self._sees.isdisjoint(_UNLISTED)
        return all(may_see(self._sees, self._rights, demand) for demand in demands)

    def _owns(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        """Is it data of the own agency? Every dataset that holds the entity is the agency's, and
        every type of the entity is named by one of them."""
        mine = self._rights.agency
        rules = self._table.datasets_of(types, scopes)
        named = frozenset[str]().union(*(rule.types for rule in rules))
        return bool(mine and rules) and all(r.agency == mine for r in rules) and named.issuperset(types)


def same_rights(one: Access, other: Access) -> bool:
    """Are these the same rights, perhaps under another table?"""
    return isinstance(one, PolicyAccess) and isinstance(other, PolicyAccess) and one._rights == other._rights


class Policy:
    """The table in force. ``replace`` swaps it whole; accesses made before keep answering by the old table, so
    holders of one (caches, sockets) listen by ``on_change`` and ask again."""

    def __init__(self, table: PolicyTable | None = None) -> None:
        self.table = table or PolicyTable()
        self._accesses: dict[Rights, PolicyAccess] = {}
        self._listeners: list[Callable[[], None]] = []

    def begin(self, writes: Iterable[WriteRule], configuring: AbstractSet[str]) -> None:
        """Say who writes what, and what configures the platform, before anybody asks."""
        self.table = PolicyTable(self.table.datasets, writes, configuring, self.table.roles)
        self._accesses = {}

    def access(self, rights: Rights) -> PolicyAccess:
        """The filter of these rights under the table in force; one object per distinct rights."""
        found = self._accesses.get(rights)
        if found is None:
            found = PolicyAccess(self.table, rights)
            if len(self._accesses) >= 10_000:
                self._accesses.clear()
            self._accesses[rights] = found
        return found

    def access_of(self, principal: Principal) -> PolicyAccess:
        """The filter of a principal that has no token limit, in the city itself."""
        return self.access(Rights(principal.roles, principal.agency, principal.purpose))

    def replace(self, datasets: Iterable[DatasetRule], writes: Iterable[WriteRule] | None = None) -> bool:
        """Put new rules in force (``writes`` None: keep those); False when they equal the present ones."""
        before = self.table
        table = PolicyTable(
            datasets, before.writes if writes is None else writes, before.configuring, before.roles
        )
        if table.fingerprint == self.table.fingerprint:
            return False
        self.table = table
        self._accesses = {}
        notify_all(self._listeners)
        return True

    def roles_changed(self) -> bool:
        """Other roles are in the table of roles; False when they equal those before."""
        table = self.table
        return self.replace(table.datasets, table.writes)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change; returns the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


def notify_all(listeners: Iterable[Callable[[], None]]) -> None:
    """That rights changed. Where one who listens fails, the others hear of it all the same; then raises what it raised."""
    failed: Exception | None = None
    for listener in list(listeners):
        try:
            listener()
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed


def default_writes(types: Iterable[EntityType], iri: Callable[[str], str]) -> list[WriteRule]:
    """Which permissions let somebody write which types directly, as the types declare; ``iri`` expands a short name.

    Alerts, incidents, assignments and units are not among them: their states change through the command room alone,
    which knows the legal steps. Nor are computed findings (indicators, coverage, portfolios), which nobody may type in.
    """
    by_permission: dict[str, set[str]] = {}
    for one in types:
        if one.written_by is not None:
            by_permission.setdefault(one.written_by.name, set()).add(iri(one.name))
    return [WriteRule(permission, frozenset(names)) for permission, names in sorted(by_permission.items())]


def default_configuring(types: Iterable[EntityType], iri: Callable[[str], str]) -> frozenset[str]:
    """Types of entities that configure the platform; ``iri`` expands a short name. One of them makes the whole entity
    configuration, whatever else it is."""
    return frozenset(iri(one.name) for one in types if one.configures)


def _canonical(value: Any) -> bytes:
    """Equal values, and no others, have equal bytes. Of a dataclass every field counts, also one that is added later, and no
    sign within a text can pass for the end of it."""
    return json.dumps(_plain(value)).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, DatasetRule | WriteRule | WriteLimit | Rights):
        return [type(value).__name__, *(_plain(getattr(value, one.name)) for one in fields(value))]
    if isinstance(value, Mapping):
        return sorted([str(name), _plain(one)] for name, one in value.items())
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, Classification) else value
