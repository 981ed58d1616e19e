"""The command line: ``andaman demo | serve | load | user | token | backup | restore | doctor``."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from andaman import __version__
from andaman.kernel import compiled
from andaman.kernel.errors import AndamanError, StorageFull, Unavailable, told
from andaman.kernel.logs import configure
from andaman.settings import TABLE, Settings, load_settings

log = logging.getLogger("andaman")
EXIT_PROBLEM = 1
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the ``andaman`` command; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if not hasattr(options, "run"):
        parser.print_help()
        return EXIT_USAGE
    try:
        made = compiled.of_this_program()
        if made.stale:
            raise Unavailable(compiled.advice(made))
        settings = _settings(options)
        configure(settings.log_level, settings.log_format)
        run: Callable[[argparse.Namespace, Settings], int] = options.run
        return run(options, settings)
    except AndamanError as error:
        print(f"andaman: {error.detail}", file=sys.stderr)
        return EXIT_PROBLEM
    except (BrokenPipeError, KeyboardInterrupt) as error:
        return 130 if isinstance(error, KeyboardInterrupt) else EXIT_PROBLEM
    except (OSError, sqlite3.Error) as error:
        # The system's own words, which nobody turned into ours: no stack trace all the same.
        log.debug("%s failed", options.run.__name__, exc_info=True)
        advice = "andaman doctor looks at the data directory; --log-level debug tells where this came from"
        full = type(told(error)) is StorageFull
        print(f"andaman: {told(error).detail if full else f'{error}. {advice}'}", file=sys.stderr)
        return EXIT_PROBLEM


def _version() -> str:
    count = len(compiled.of_this_program().sources)
    return f"andaman {__version__}, {f'{count} modules compiled' if count else 'interpreted'}"


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; every setting is a flag of ``serve`` and ``demo``."""
    parser = argparse.ArgumentParser(
        prog="andaman",
        description="City data platform and command center in one package.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    demo = _command(
        commands, "demo", _demo, "Phuket, live: load the pack, start feeds and server, print URL and sign-ins"
    )
    _all_settings(demo)
    serve = _command(commands, "serve", _serve, "start the platform on a data directory")
    _all_settings(serve)

    load = _command(commands, "load", _load, "load a city pack into a data directory that no server is using")
    load.add_argument("pack_name", metavar="PACK", help="name of a pack, e.g. phuket")
    _data(load)

    user = _command(commands, "user", None, "accounts: add, list, password, disable, enable, tenants")
    actions = user.add_subparsers(metavar="ACTION", required=True)
    add = _command(actions, "add", _user_add, "make an account; asks for the password")
    add.add_argument("username")
    add.add_argument("--name", default="", help="the name people see")
    add.add_argument(
        "--role", action="append", required=True, help="public, operator, dispatcher, analyst, administrator"
    )
    add.add_argument("--agency", default="", help="agency code, e.g. pk-ddpm")
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _data(add)
    _data(_command(actions, "list", _user_list, "list the accounts"))
    password = _command(
        actions, "password", _user_password, "set a new password; ends the account's sessions"
    )
    password.add_argument("username")
    password.add_argument("--password-stdin", action="store_true")
    _data(password)
    for word, wanted in (("disable", False), ("enable", True)):
        switch = _command(actions, word, _user_switch, f"{word} an account")
        switch.add_argument("username")
        switch.set_defaults(enabled=wanted)
        _data(switch)

    tenants = _command(
        actions, "tenants", _user_tenants, "which tenants beside the city an account may enter"
    )
    tenants.add_argument("username")
    tenants.add_argument("tenant", nargs="*", help="these and no others; none: the city only")
    _data(tenants)

    token = _command(commands, "token", _token, "print a new API token for a role (shown once)")
    token.add_argument("role", help="operator, dispatcher, analyst or administrator")
    token.add_argument("--name", default="command line", help="what it is for")
    token.add_argument("--agency", default="")
    token.add_argument("--purpose", default="")
    token.add_argument("--tenant", default="", help="the one tenant it is for (default: the city)")
    token.add_argument("--days", type=float, default=90.0, help="valid for this many days (default 90)")
    _data(token)

    backup = _command(commands, "backup", _backup, "write a consistent copy, also while the server runs")
    backup.add_argument(
        "target",
        type=Path,
        metavar="DIR",
        help="backup set: the first backup copies everything, later ones add what is new; or a new FILE.tar",
    )
    backup.add_argument("--full", action="store_true", help="copy everything once more, as another base")
    backup.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="remove all before the N newest bases (default: nothing)",
    )
    backup.add_argument("--check", action="store_true", help="make nothing; verify what is in the set")
    _data(backup)
    restore = _command(commands, "restore", _restore, "make a data directory from a backup")
    restore.add_argument("source", type=Path, metavar="DIR", help="backup set, or FILE.tar")
    restore.add_argument(
        "--at", metavar="TIME", help="as of this instant (e.g. 2026-11-23T14:32:07Z); default: the newest"
    )
    _data(restore)
    _data(_command(commands, "retention", _retention, "list how long each dataset's raw values are kept"))
    doctor = _command(
        commands, "doctor", _doctor, "check disk, clock, port, and the integrity of journal and chain"
    )
    doctor.add_argument(
        "--renew-index", action="store_true", help="before: have the next start make the index anew"
    )
    _all_settings(doctor)
    return parser


def _command(
    group: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace, Settings], int] | None,
    text: str,
) -> argparse.ArgumentParser:
    parser = group.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="data directory (default: data)")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file (TOML)")


def _all_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file (TOML)")
    for row in TABLE:
        flag = "--" + row.name.replace("_", "-")
        if row.name.startswith("no_"):
            parser.add_argument(flag, dest=row.name, default=None, action="store_true", help=row.help)
        elif isinstance(row.default, bool):
            parser.add_argument(
                flag, dest=row.name, default=None, action=argparse.BooleanOptionalAction, help=row.help
            )
        else:
            parser.add_argument(
                flag, dest=row.name, default=None, metavar="X", help=f"{row.help} ({row.default})"
            )


def _settings(options: argparse.Namespace) -> Settings:
    flags = {row.name: getattr(options, row.name, None) for row in TABLE}
    return load_settings(flags, file=getattr(options, "settings", None))


# -- commands ---------------------------------------------------------------------------------------------------
def _demo(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.demo import run_demo

    given = {row.name for row in TABLE if getattr(options, row.name, None) is not None}
    return run_demo(settings, given)


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import build
    from andaman.server import listen, run_blocking

    app = build(settings)
    sock = listen(settings.host, settings.port)
    host, port = sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    async def ready() -> None:
        print(
            f"andaman {__version__} listens on http://{shown}:{port}/ with data in {settings.data_dir}",
            flush=True,
        )
        if settings.no_auth:
            print(
                "WARNING: --no-auth: everybody who reaches this port has full rights. Never use it for real data.",
                flush=True,
            )

    run_blocking(app, sock, ready)
    return 0


def _load(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import load_pack_offline

    def progress(done: int, total: int) -> None:
        print(f"\r{options.pack_name}: {done} of {total}", end="", file=sys.stderr, flush=True)

    count = asyncio.run(load_pack_offline(settings, options.pack_name, progress))
    print(f"\n{options.pack_name}: {count} entities written", file=sys.stderr)
    return 0


def _password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise AndamanError("The two passwords differ; nothing was changed")
    return first


def _user_add(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import cli_actor, open_identity, role_of

    async def work() -> None:
        identity = open_identity(settings)
        try:
            await identity.add_user(
                options.username,
                _password(options),
                [role_of(r) for r in options.role],
                cli_actor(),
                name=options.name,
                agency=options.agency,
            )
        finally:
            await identity.close()

    asyncio.run(work())
    print(f"account {options.username} made")
    return 0


def _user_list(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import open_identity

    identity = open_identity(settings)
    for account in identity.list_users():
        roles = ",".join(sorted(account.roles))
        state = "disabled" if account.disabled else "active"
        print(f"{account.username}\t{roles}\t{account.agency or '-'}\t{state}\t{account.name}")
    asyncio.run(identity.close())
    return 0


def _user_password(options: argparse.Namespace, settings: Settings) -> int:
    return _change_user(options, settings, password=_password(options))


def _user_switch(options: argparse.Namespace, settings: Settings) -> int:
    return _change_user(options, settings, disabled=not options.enabled)


def _change_user(options: argparse.Namespace, settings: Settings, **changes: object) -> int:
    from andaman.app import cli_actor, open_identity

    async def work() -> None:
        identity = open_identity(settings)
        try:
            await identity.update_user(options.username, cli_actor(), **changes)  # type: ignore[arg-type]
        finally:
            await identity.close()

    asyncio.run(work())
    print(f"account {options.username} changed")
    return 0


def _user_tenants(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import cli_actor, open_identity

    async def work() -> None:
        identity = open_identity(settings)
        try:
            account = identity.get_user(options.username)
            await identity.tenants.give(account, options.tenant, cli_actor())
        finally:
            await identity.close()

    asyncio.run(work())
    print(f"account {options.username} may enter: {', '.join(['the city', *options.tenant])}")
    return 0


def _token(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.app import cli_actor, open_identity, role_of
    from andaman.identity.records import TokenKind
    from andaman.kernel.time import DAY

    async def work() -> str:
        identity = open_identity(settings)
        try:
            _, secret = await identity.add_token(
                TokenKind.API,
                options.name,
                cli_actor(),
                roles=[role_of(options.role)],
                agency=options.agency,
                purpose=options.purpose,
                tenant=options.tenant,
                lifetime=int(options.days * DAY),
            )
            return secret
        finally:
            await identity.close()

    print(asyncio.run(work()))
    return 0


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance import backup_all, backup_into, check_set, give_way

    give_way(settings.data_dir)
    if options.check:
        print(check_set(options.target))
    elif options.target.suffix == ".tar":
        print(backup_all(settings.data_dir, options.target))
    else:
        print(backup_into(settings.data_dir, options.target, full=options.full, keep=max(0, options.keep)))
    return 0


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.kernel.time import parse_time
    from andaman.maintenance import restore_all, restore_from

    try:
        at = None if options.at is None else parse_time(options.at)
    except ValueError as error:
        raise AndamanError(f"--at {options.at}: {error}") from None
    restore = restore_all if options.source.is_file() else restore_from
    print(restore(options.source, settings.data_dir, at))
    return 0


def _retention(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance.retention import list_retention

    print("\n".join(list_retention(settings.data_dir)))
    return 0


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.broker.ledger.maintenance import renew_index
    from andaman.maintenance import examine, give_way

    give_way(settings.data_dir)
    if options.renew_index:
        renew_index(settings.data_dir)
    findings = examine(settings)
    for finding in findings:
        print(f"{finding.level:8} {finding.subject}: {finding.text}")
    return EXIT_PROBLEM if any(f.level == "problem" for f in findings) else 0
