"""Law: after any history of grants and withdrawals each credential may do what it was given, and of that what everybody it
stands on may do now: no more, and no less. The reference is a page of plain sets; the question goes through the gate."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from andaman.identity.credentials import Credential, digest_of
from andaman.identity.gate import COOKIE, Gate
from andaman.identity.model import Actor, Classification, Role, system_actor
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, Rights, WriteLimit, WriteRule
from andaman.identity.recognition import Lifetimes
from andaman.identity.records import TokenKind
from andaman.identity.service import Identity
from andaman.identity.web import ACTOR
from andaman.kernel.errors import AndamanError
from andaman.kernel.time import DAY, HOUR, SECOND

from .conftest import CHEAP, GOOD, FakeClock

ROOT = system_actor("test")
A, B, C = (f"urn:t:{name}" for name in "ABC")
X, Y = "urn:a:x", "urn:a:y"
SHAPES = [((A,), ()), ((B,), ()), ((C,), ()), ((A, B), ("/one",)), ((B,), ("/one/two",)), ((A,), ("/three",))]
STAFF = ("operator", "dispatcher", "analyst", Role.ADMINISTRATOR)
AGENCIES, PURPOSES, TENANTS = ("", "pk-a"), ("", "operations", "investigation", "study"), ("", "t1", "t2")
WRITES = [WriteRule("measure.manage", frozenset({A})), WriteRule("feed.control", frozenset({B}))]
some_roles = st.frozensets(st.sampled_from(STAFF), min_size=1, max_size=3)


def declarable(roles: frozenset[str], purpose: str) -> bool:
    if Role.ADMINISTRATOR in roles or not purpose:
        return True
    if purpose == "investigation":
        return "analyst" in roles
    return purpose == "operations" and not roles.isdisjoint({"operator", "dispatcher"})


@dataclass
class Person:
    roles: frozenset[str]
    agency: str = ""
    disabled: bool = False
    passwords: int = 0
    tenants: set[str] = field(default_factory=set)


@dataclass
class Held:
    """A credential. ``maker``: a name of a person, the number of a credential, or None for the command line."""

    secret: str
    maker: str | int | None
    password: int = 0  # which of the person's it stands on
    session_purpose: str | None = None
    id: str = ""
    roles: frozenset[str] = frozenset()
    agency: str = ""
    purpose: str = ""
    types: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    device: bool = False
    tenant: str = ""
    ends: int | None = None
    over: bool = False


@dataclass
class Link:
    rights: Rights
    purpose: str


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.rules: list[DatasetRule] = []
        self.people: dict[str, Person] = {}
        self.held: list[Held] = []
        self.runner.run(self._open())

    async def _open(self) -> None:
        policy = Policy(PolicyTable((), WRITES))
        self.identity = Identity(
            Path(self.place.name),
            policy,
            clock=self.clock,
            password_cost=CHEAP,
            lifetimes=Lifetimes(sessions_max=1000),
        )
        self.identity.store._store._db.execute(
            "PRAGMA synchronous = OFF"
        )  # a hundred commits a second, on a busy disk
        self.gate = Gate(self._end, self.identity)

    async def _end(self, scope: Any, receive: Any, send: Any) -> None:
        self.actor = scope[ACTOR]

    def teardown(self) -> None:
        self.runner.run(self.identity.close())
        self.runner.close()
        self.place.cleanup()

    # -- what happens -----------------------------------------------------------------------------------------
    @initialize()
    def somebody_always_administers(self) -> None:
        self.people["root"] = Person(frozenset({Role.ADMINISTRATOR}))
        self.runner.run(self.identity.add_user("root", GOOD, [Role.ADMINISTRATOR], ROOT))

    @precondition(lambda self: len(self.people) < 5)
    @rule(roles=some_roles, agency=st.sampled_from(AGENCIES))
    def account(self, roles: frozenset[str], agency: str) -> None:
        name = f"person{len(self.people)}"
        self.runner.run(self.identity.add_user(name, GOOD, roles, ROOT, agency=agency))
        self.people[name] = Person(roles, agency)

    def _pick(self, data: Any, among: list[Any]) -> Any:
        return data.draw(st.sampled_from(among))

    @rule(data=st.data())
    def signs_in(self, data: Any) -> None:
        name, purpose = self._pick(data, list(self.people)), self._pick(data, list(PURPOSES))
        person = self.people[name]
        self.clock.now += SECOND
        try:
            done = self.runner.run(self.identity.sign_in(name, self._password(person), "10.0.0.1", purpose))
        except AndamanError:
            assert person.disabled or not declarable(person.roles, purpose)
            return
        assert not person.disabled
        purpose = done.session.purpose
        assert declarable(person.roles, purpose)
        self.held.append(Held(done.secret, name, person.passwords, purpose))

    def _password(self, person: Person) -> str:
        return GOOD + (f" {person.passwords}" if person.passwords else "")

    def _end_sessions(self, name: str) -> None:
        for one in self.held:
            if one.session_purpose is not None and one.maker == name:
                one.over = True

    @rule(
        data=st.data(),
        roles=st.none() | some_roles,
        agency=st.none() | st.sampled_from(AGENCIES),
        disabled=st.none() | st.booleans(),
        another_password=st.booleans(),
    )
    def account_changes(
        self,
        data: Any,
        roles: frozenset[str] | None,
        agency: str | None,
        disabled: bool | None,
        another_password: bool,
    ) -> None:
        name = self._pick(data, [one for one in self.people if one != "root"] or ["root"])
        if name == "root":
            roles = disabled = None
        person = self.people[name]
        password = GOOD + f" {person.passwords + 1}" if another_password else None
        self.runner.run(
            self.identity.update_user(
                name, ROOT, roles=roles, agency=agency, disabled=disabled, password=password
            )
        )
        person.roles = roles or person.roles
        person.agency = person.agency if agency is None else agency
        person.disabled = person.disabled if disabled is None else disabled
        person.passwords += another_password
        self._end_sessions(name)

    @rule(data=st.data(), tenants=st.frozensets(st.sampled_from(["t1", "t2"])))
    def tenants_change(self, data: Any, tenants: frozenset[str]) -> None:
        name = self._pick(data, list(self.people))
        self.runner.run(self.identity.tenants.give(self.identity.get_user(name), tenants, ROOT))
        self.people[name].tenants = set(tenants)

    @rule(
        data=st.data(),
        kind=st.sampled_from(TokenKind),
        roles=some_roles,
        agency=st.sampled_from(AGENCIES),
        purpose=st.sampled_from(PURPOSES),
        types=st.frozensets(st.sampled_from([A, B]), max_size=2),
        scopes=st.lists(st.sampled_from(["/one", "/three"]), max_size=1),
        tenant=st.sampled_from(TENANTS),
        days=st.none() | st.integers(1, 5),
    )
    def token(
        self,
        data: Any,
        kind: TokenKind,
        roles: frozenset[str],
        agency: str,
        purpose: str,
        types: frozenset[str],
        scopes: list[str],
        tenant: str,
        days: int | None,
    ) -> None:
        makers = [n for n, one in enumerate(self.held) if not one.device and self._in_force(n)]
        maker: int | None = self._pick(data, [None, *makers])
        actor = ROOT if maker is None else self._ask(self.held[maker])
        assert actor is not None
        device = kind is TokenKind.DEVICE
        if device:
            roles, types = frozenset(), types or frozenset({B})
        lifetime = None if days is None else days * DAY
        try:
            token, secret = self.runner.run(
                self.identity.add_token(
                    kind, "x", actor, roles=roles, agency=agency, purpose=purpose, types=sorted(types),
                    scopes=scopes, lifetime=lifetime, tenant=tenant,
                )
            )  # fmt: skip
        except AndamanError:
            return  # a chain that is too long
        stands_on: str | int | None = maker
        password = 0
        if maker is not None and self.held[maker].session_purpose is not None:
            stands_on = self.held[maker].maker
            password = self.held[maker].password
        ends = None if lifetime is None else self.clock.now + lifetime
        self.held.append(
            Held(
                secret, stands_on, password, None, token.id, roles, agency, purpose, types, tuple(scopes), device,
                tenant, ends,
            )
        )  # fmt: skip

    @precondition(lambda self: any(one.id for one in self.held))
    @rule(
        data=st.data(), what=st.sampled_from(["revoke", "rotate", "own by root", "own by the command line"])
    )
    def token_changes(self, data: Any, what: str) -> None:
        number = self._pick(data, [n for n, one in enumerate(self.held) if one.id])
        one = self.held[number]
        live = not one.over and (one.ends is None or self.clock.now < one.ends)
        by_root = Actor(self.identity.get_user("root").principal("", self.identity.roles))
        tokens = self.identity.tokens
        try:
            if what == "revoke":
                self.runner.run(tokens.revoke(one.id, ROOT))
                one.over = True
            elif what == "rotate":
                _, one.secret = self.runner.run(tokens.rotate(one.id, ROOT, lifetime=DAY))
                one.ends = self.clock.now + DAY
            else:
                actor = by_root if what == "own by root" else ROOT
                self.runner.run(tokens.take_over(one.id, actor))
                one.maker = "root" if what == "own by root" else None
                one.password = self.people["root"].passwords
        except AndamanError:
            assert not live or not self._in_force(number)

    @rule(
        rules=st.lists(
            st.builds(
                DatasetRule,
                st.sampled_from(["one", "two"]),
                st.frozensets(st.sampled_from([A, B, C]), max_size=2),
                st.sampled_from(["", "/one", "/three"]),
                st.sampled_from(Classification),
                st.sampled_from(AGENCIES),
                st.dictionaries(st.sampled_from([X, Y]), st.sampled_from(Classification), max_size=1),
                st.sampled_from(PURPOSES),
            ),
            max_size=3,
        )
    )
    def catalogue(self, rules: list[DatasetRule]) -> None:
        self.rules = rules
        self.identity.policy.replace(rules)

    @rule(hours=st.sampled_from([0.3, 14, 30]))
    def time_goes_by(self, hours: float) -> None:
        self.clock.now += int(hours * HOUR)
        if hours > 0.5:  # longer than a session may idle
            for name in self.people:
                self._end_sessions(name)
        self.identity.look()

    # -- what is right ----------------------------------------------------------------------------------------
    def _links(self, number: int) -> list[Link] | None:
        """What it was given, then what each it stands on has; None where one of them is over."""
        found: list[Link] = []
        at: str | int | None = number
        purpose = ""
        while isinstance(at, int):
            one = self.held[at]
            if one.over or (one.ends is not None and self.clock.now >= one.ends):
                return None
            if isinstance(one.maker, str):
                person = self.people[one.maker]
                if person.disabled or person.passwords != one.password:
                    return None
            if one.session_purpose is not None:
                purpose = one.session_purpose
            else:
                limit = WriteLimit(one.types, one.scopes) if one.types or one.scopes else None
                given = Rights(one.roles, one.agency, "", limit, one.device, frozenset({one.tenant}))
                found.append(Link(given, one.purpose))
            at = one.maker
        if isinstance(at, str):
            person = self.people[at]
            everywhere = Role.ADMINISTRATOR in person.roles
            tenants = frozenset({"*"}) if everywhere else frozenset({"", *person.tenants})
            found.append(Link(Rights(person.roles, person.agency, "", None, False, tenants), purpose))
        return found

    def _in_force(self, number: int) -> bool:
        links = self._links(number)
        return links is not None and all(
            self._roles(links[at:]) or link.rights.device for at, link in enumerate(links)
        )

    def _roles(self, links: list[Link]) -> frozenset[str]:
        roles = links[-1].rights.roles
        for link in reversed(links[:-1]):
            mine = link.rights.roles
            if Role.ADMINISTRATOR in roles:
                roles = mine
            elif Role.ADMINISTRATOR not in mine:
                roles = roles & mine
        return frozenset() if links[0].rights.device else roles

    @invariant()
    def everybody_may_what_they_may(self) -> None:
        fresh = Policy(PolicyTable(self.rules, WRITES))
        for number, one in enumerate(self.held):
            links = self._links(number) if self._in_force(number) else None
            actor = self._ask(one)
            if links is None:
                assert actor is None, one
                continue
            assert actor is not None, one
            assert actor.principal.roles == self._roles(links)
            purpose = links[0].purpose
            if not all(
                declarable(link.rights.roles, purpose) or link.purpose == purpose for link in links[1:]
            ):
                purpose = ""
            assert actor.principal.purpose == purpose
            parts = [
                fresh.access(Rights(link.rights.roles, link.rights.agency, purpose, *_rest(link.rights)))
                for link in links
            ]
            access = actor.access
            for tenant in (*TENANTS, "t3"):
                assert access.enters(tenant) == all(part.enters(tenant) for part in parts)
            for types, scopes in SHAPES:
                assert access.sees(types, scopes) == all(part.sees(types, scopes) for part in parts)
                hidden = frozenset[str]().union(*(part.hidden_attrs(types, scopes) for part in parts))
                assert access.hidden_attrs(types, scopes) == hidden
                for attrs in ((X,), (Y,)):
                    may = all(part.may_write(types, scopes, attrs) for part in parts)
                    assert access.may_write(types, scopes, attrs) == may

    def _ask(self, one: Held) -> Actor | None:
        """Who the gate says this is; None: nobody."""
        self.actor: Actor | None = None
        sign = (
            (b"cookie", f"{COOKIE}={one.secret}".encode())
            if one.session_purpose is not None
            else (b"authorization", f"Bearer {one.secret}".encode())
        )
        headers = [sign, (b"ngsild-tenant", one.tenant.encode())] if one.tenant else [sign]
        scope = {
            "type": "http", "method": "GET", "path": "/auth/me", "headers": headers, "client": ("10.0.0.1", 1),
        }  # fmt: skip
        refusals: list[int] = []

        async def send(message: Any) -> None:
            refusals.append(message.get("status", 0))

        self.runner.run(self.gate(scope, None, send))  # type: ignore[arg-type]
        if self.actor is None and refusals[:1] == [404]:  # it is in force, and may not enter its own tenant
            known = self.identity.authenticate(Credential("token", digest_of(one.secret)))
            assert known is not None
            return self.identity.actor(known)
        return None if self.actor is None or self.actor.principal.id == "public" else self.actor


def _rest(rights: Rights) -> tuple[WriteLimit | None, bool, frozenset[str]]:
    return rights.limit, rights.device, rights.tenants


def test_no_right_outlives_its_basis() -> None:
    examples = int(os.environ.get("ANDAMAN_RIGHTS", "25"))
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
