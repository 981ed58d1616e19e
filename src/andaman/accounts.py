"""The command line's part about accounts and tokens: ``andaman user …``, ``andaman token …``. All of it works beside a running
platform, which sees within a second what was changed."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from andaman.kernel.errors import AndamanError, ResourceNotFound
from andaman.kernel.time import DAY, SECOND, Micros, format_time
from andaman.settings import Settings

if TYPE_CHECKING:  # the platform itself is loaded by the command that needs it, not to print a help text
    from andaman.identity.records import Token
    from andaman.identity.service import Identity
    from andaman.identity.tokens import Listed

T = TypeVar("T")
Run = Callable[[argparse.Namespace, Settings], int]
Command = Callable[..., argparse.ArgumentParser]
_TOKEN_ACTIONS: Final = ("create", "list", "revoke", "rotate", "own")


def completed(argv: Sequence[str]) -> list[str]:
    """``andaman token analyst …`` is ``andaman token create analyst …``."""
    given = list(argv)
    if given[:1] == ["token"] and given[1:2] and given[1] not in (*_TOKEN_ACTIONS, "-h", "--help"):
        given.insert(1, "create")
    return given


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    command: Command,
    data: Callable[[argparse.ArgumentParser], None],
) -> None:
    """``command`` makes a parser in a group, ``data`` gives it ``--data`` and ``--settings``."""
    user = command(commands, "user", None, "accounts: add, list, password, disable, enable, tenants")
    actions = user.add_subparsers(metavar="ACTION", required=True)
    add = command(actions, "add", _user_add, "create an account; asks for the password")
    add.add_argument("username")
    add.add_argument("--name", default="", help="the name people see")
    add.add_argument(
        "--role", action="append", required=True, help="such as dispatcher; an unknown one lists all"
    )
    add.add_argument("--agency", default="", help="agency code, such as pk-ddpm")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    data(add)
    data(command(actions, "list", _user_list, "list the accounts"))
    text = "set a new password; ends the account's sessions and tokens, and pauses its subscriptions"
    password = command(actions, "password", _user_password, text)
    password.add_argument("username")
    password.add_argument("--password-stdin", action="store_true")
    data(password)
    for word, wanted, text in (
        ("disable", False, "disable an account, its tokens, and all work in its name"),
        ("enable", True, "enable an account"),
    ):
        switch = command(actions, word, _user_switch, text)
        switch.add_argument("username")
        switch.set_defaults(enabled=wanted)
        data(switch)
    tenants = command(
        actions, "tenants", _user_tenants, "set the tenants that an account may enter in addition to the city"
    )
    tenants.add_argument("username")
    tenants.add_argument("tenant", nargs="*", help="these and no others; none: the city only")
    data(tenants)
    _add_token_commands(
        command(commands, "token", None, "tokens: create, list, revoke, rotate, own"), command, data
    )


def _add_token_commands(
    token: argparse.ArgumentParser, command: Command, data: Callable[[argparse.ArgumentParser], None]
) -> None:
    actions = token.add_subparsers(metavar="ACTION", required=True)
    create = command(actions, "create", _create, "print a new API token for a role (shown once)")
    create.add_argument("role", help="such as analyst; an unknown one lists all")
    create.add_argument(
        "--name", default="command line", help="its name, such as the program that will use it"
    )
    create.add_argument("--agency", default="")
    create.add_argument("--purpose", default="")
    create.add_argument("--tenant", default="", help="the one tenant it is for (default: the city)")
    create.add_argument("--type", action="append", default=[], help="narrow it: it may write this type only")
    create.add_argument(
        "--scope", action="append", default=[], help="narrow it: it may write this scope only"
    )
    create.add_argument("--days", type=float, default=90.0, help="valid for this many days (default 90)")
    create.add_argument("--forever", action="store_true", help="it does not expire")
    data(create)
    listing = command(
        actions, "list", _list, "list the tokens in force: what each may do, for whom, until when"
    )
    listing.add_argument("--all", action="store_true", help="also tokens that have ended, with the reason")
    listing.add_argument("--owner", default="", help="only tokens that end with this account")
    data(listing)
    revoke = command(actions, "revoke", _revoke, "end a token at once")
    revoke.add_argument("id")
    data(revoke)
    rotate = command(actions, "rotate", _rotate, "print another secret for a token; the old one ends")
    rotate.add_argument("id")
    rotate.add_argument(
        "--grace", type=float, default=0.0, metavar="SECONDS", help="the old secret ends after this time"
    )
    rotate.add_argument("--days", type=float, help="valid for this many days (default: as it was)")
    rotate.add_argument("--forever", action="store_true", help="it does not expire")
    data(rotate)
    text = "make another account, or the command line, answer for a token; it then ends with that account"
    own = command(actions, "own", _own, text)
    own.add_argument("id")
    own.add_argument("--owner", default="", help="user name (default: the command line, which never ends)")
    data(own)


def _do(settings: Settings, work: Callable[[Identity], Awaitable[T]]) -> T:
    from andaman.maintenance.losses import note_stores
    from andaman.offline import open_identity
    from andaman.rooms import STORES

    async def run() -> T:
        identity = open_identity(settings)
        try:
            return await work(identity)
        finally:
            await identity.close()
            note_stores(settings.site.directory, STORES)

    return asyncio.run(run())


# -- accounts ---------------------------------------------------------------------------------------------------
def _password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    try:
        first = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except EOFError:
        raise AndamanError(
            "There is no terminal to ask for the password; pass it on standard input with --password-stdin"
        ) from None
    if again != first:
        raise AndamanError("The two passwords differ; nothing was changed")
    return first


def _user_add(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.offline import cli_actor

    async def work(identity: Identity) -> None:
        await identity.add_user(
            options.username,
            _password(options),
            options.role,
            cli_actor(),
            name=options.name,
            agency=options.agency,
        )

    _do(settings, work)
    print(f"account {options.username} made")
    return 0


def _user_list(options: argparse.Namespace, settings: Settings) -> int:
    async def work(identity: Identity) -> None:
        for account in identity.list_users():
            roles = ",".join(sorted(account.roles))
            state = "disabled" if account.disabled else "active"
            print(f"{account.username}\t{roles}\t{account.agency or '-'}\t{state}\t{account.name}")

    _do(settings, work)
    return 0


def _user_password(options: argparse.Namespace, settings: Settings) -> int:
    return _change_user(options, settings, password=_password(options))


def _user_switch(options: argparse.Namespace, settings: Settings) -> int:
    return _change_user(options, settings, disabled=not options.enabled)


def _change_user(
    options: argparse.Namespace,
    settings: Settings,
    *,
    password: str | None = None,
    disabled: bool | None = None,
) -> int:
    from andaman.offline import cli_actor

    async def work(identity: Identity) -> None:
        await identity.update_user(options.username, cli_actor(), password=password, disabled=disabled)

    return _with_losses(options, settings, work, f"account {options.username} changed")


def _user_tenants(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.offline import cli_actor

    async def work(identity: Identity) -> None:
        account = identity.get_user(options.username)
        await identity.tenants.give(account, options.tenant, cli_actor())

    said = f"account {options.username} may enter: {', '.join(['the city', *options.tenant])}"
    return _with_losses(options, settings, work, said)


def _with_losses(
    options: argparse.Namespace, settings: Settings, change: Callable[[Identity], Awaitable[None]], said: str
) -> int:
    """Change an account, and say what tokens lost by it."""
    from andaman.identity.checks import plain_username

    async def work(identity: Identity) -> None:
        before = identity.tokens.depending_on(f"user:{plain_username(options.username)}")
        await change(identity)
        print(said)
        fallen = identity.tokens.fallen(before)
        for token in fallen.ended:
            print(f"  ended: {token.kind} token {token.id} ({token.name})")
        for token in fallen.weaker:
            print(f"  may do less now: {token.kind} token {token.id} ({token.name})")
        if fallen.ended:
            print("  andaman token own ID keeps one in force: the command line then answers for it")

    _do(settings, work)
    return 0


# -- tokens -----------------------------------------------------------------------------------------------------
def _create(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.broker.api import iri
    from andaman.identity.records import TokenKind
    from andaman.offline import cli_actor

    async def work(identity: Identity) -> str:
        _, secret = await identity.tokens.add(
            TokenKind.API,
            options.name,
            cli_actor(),
            roles=[options.role],
            agency=options.agency,
            purpose=options.purpose,
            types=[iri(name) for name in options.type],
            scopes=options.scope,
            tenant=options.tenant,
            lifetime=None if options.forever else int(options.days * DAY),
        )
        return secret

    print(_do(settings, work))
    return 0


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.identity.checks import plain_username

    async def work(identity: Identity) -> None:
        if options.owner:
            found = identity.tokens.depending_on(f"user:{plain_username(options.owner)}")
        else:
            found = identity.tokens.listed()
        _print_table([one for one in found if options.all or one.standing is not None], identity.clock())

    _do(settings, work)
    return 0


def _print_table(found: Iterable[Listed], now: Micros) -> None:
    from andaman.identity.basis import NEVER
    from andaman.identity.tokens import SOON

    names = (
        "id",
        "kind",
        "name",
        "state",
        "roles",
        "limits",
        "tenant",
        "owner",
        "created",
        "last used",
        "ends",
    )
    print("\t".join(names))
    for one in found:
        token, standing = one.token, one.standing
        roles = token.roles if standing is None else standing.principal.roles
        ends = token.expires_at if standing is None else standing.ends_at
        state = f"over: {one.why}"
        if standing is not None:
            state = "ends soon" if standing.ends_at <= now + SOON else "in force"
            if standing.rights.under or standing.principal.purpose != token.purpose:
                state += ", weaker than it was made"
        row = (
            token.id,
            token.kind,
            token.name,
            state,
            ",".join(sorted(roles)) or "-",
            _limits(token),
            token.tenant or "the city",
            token.owner,
            _day(token.created_at),
            _day(token.last_used_at),
            "never" if ends is None or ends >= NEVER else _day(ends),
        )
        print("\t".join(" ".join(str(cell).split()) for cell in row))


def _limits(token: Token) -> str:
    from andaman.broker.api import short

    limits = [*(short(name) for name in sorted(token.types)), *token.scopes]
    limits += [f"purpose {token.purpose}"] if token.purpose else []
    return ",".join(limits + ([f"agency {token.agency}"] if token.agency else [])) or "-"


def _day(at: Micros | None) -> str:
    return "-" if at is None else format_time(at)[:16] + "Z"


def _revoke(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.offline import cli_actor

    _do(settings, lambda identity: identity.tokens.revoke(options.id, cli_actor()))
    print(f"token {options.id} ended")
    return 0


def _rotate(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.identity.tokens import AS_BEFORE
    from andaman.offline import cli_actor

    lifetime: Micros | None = AS_BEFORE if options.days is None else int(options.days * DAY)
    if options.forever:
        lifetime = None

    async def work(identity: Identity) -> str:
        grace = int(options.grace * SECOND)
        return (await identity.tokens.rotate(options.id, cli_actor(), grace=grace, lifetime=lifetime))[1]

    print(_do(settings, work))
    return 0


def _own(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.offline import cli_actor

    async def work(identity: Identity) -> Listed:
        actor = cli_actor()
        owner = (actor.principal.id, 0)
        if options.owner:
            account = identity.get_user(options.owner)
            owner = (f"user:{account.username}", account.era)
        token = await identity.tokens.take_over(options.id, actor, owner)
        return identity.tokens.listed([token])[0]

    one = _do(settings, work)
    print(
        f"{one.token.owner} answers for token {one.token.id} now"
        + (f"; it is over: {one.why}" if one.why else "")
    )
    if one.why:
        raise ResourceNotFound(f"Token {one.token.id} is still over: {one.why}")
    return 0
