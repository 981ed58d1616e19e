"""The command line: ``andaman demo | serve | load | user | token | secret | backup | restore | doctor``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from andaman import __version__, accounts, secret_commands
from andaman.kernel import compiled
from andaman.kernel.errors import AndamanError, BadRequestData, StorageFull, Unavailable, refusal_of
from andaman.kernel.logs import configure
from andaman.settings import TABLE, Settings, load_settings

if TYPE_CHECKING:
    from andaman.definitions.service import Definitions

log = logging.getLogger("andaman")
EXIT_PROBLEM = 1
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the ``andaman`` command; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(accounts.completed(sys.argv[1:] if argv is None else argv))
    if not hasattr(options, "run"):
        parser.print_help()
        return EXIT_USAGE
    os.umask(0o077)  # whatever is written here is the owner's alone
    try:
        made = compiled.of_this_program()
        if made.stale:
            raise Unavailable(compiled.advice(made))
        settings = _settings(options)
        configure(settings.site.log_level, settings.site.log_format)
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
        advice = "andaman doctor examines the data directory; --log-level debug shows where this came from"
        full = type(refusal_of(error)) is StorageFull
        print(f"andaman: {refusal_of(error).detail if full else f'{error}. {advice}'}", file=sys.stderr)
        return EXIT_PROBLEM


def _version() -> str:
    count = len(compiled.of_this_program().sources)
    return f"andaman {__version__}, {f'{count} modules compiled' if count else 'interpreted'}"


def build_parser() -> argparse.ArgumentParser:
    """The complete command line; every setting is a flag of ``serve`` and ``demo``."""
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
    load.add_argument("pack_name", metavar="PACK", help="name of a pack, such as phuket")
    _data(load)

    accounts.add_commands(commands, _command, _data)
    secret_commands.add_commands(commands, _command, _data)

    config = commands.add_parser("config", help="export or import all definitions of the city as one file")
    actions = config.add_subparsers(metavar="ACTION", required=True)
    export = _command(
        actions,
        "export",
        _export,
        "write roles, rules, registers and other definitions; no server may use the directory",
    )
    export.add_argument("file", metavar="FILE", nargs="?", default="-", help="JSON; - for standard output")
    _data(export)
    bring_in = _command(
        actions,
        "import",
        _import,
        "put the definitions of a file into force; no server may use the directory",
    )
    bring_in.add_argument("file", metavar="FILE", help="a file that export wrote; - for standard input")
    bring_in.add_argument(
        "--try", dest="trying", action="store_true", help="list what would change, and change nothing"
    )
    bring_in.add_argument(
        "--delete", action="store_true", help="delete the definitions that the file does not have"
    )
    bring_in.add_argument("--reason", default="", help="kept in the history of each definition")
    _data(bring_in)

    backup = _command(commands, "backup", _backup, "write a consistent copy; the server may run")
    backup.add_argument(
        "target",
        type=Path,
        metavar="DIR",
        help="backup set: the first backup copies everything, later ones add the changes; or a new FILE.tar",
    )
    backup.add_argument("--full", action="store_true", help="write another complete copy (base)")
    backup.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="remove everything before the N newest bases (default: keep all)",
    )
    backup.add_argument("--check", action="store_true", help="write nothing; verify the files of the set")
    _data(backup)
    restore = _command(commands, "restore", _restore, "make a data directory from a backup")
    restore.add_argument("source", type=Path, metavar="DIR", help="backup set, or FILE.tar")
    restore.add_argument(
        "--at", metavar="TIME", help="as of this instant (such as 2026-11-23T14:32:07Z); default: the newest"
    )
    _data(restore)
    _data(_command(commands, "retention", _retention, "list how long each dataset's raw values are kept"))
    anew = _command(
        commands,
        "begin-anew",
        _begin_anew,
        "give up a small database that is lost and in no backup: the next start makes an empty one",
    )
    anew.add_argument("file", metavar="FILE", help="identity.db, subscriptions.db or registry.db")
    _data(anew)
    doctor = _command(
        commands, "doctor", _doctor, "check disk, clock, port, and the integrity of journal and chain"
    )
    doctor.add_argument(
        "--renew-index", action="store_true", help="have the next start make the index again, then examine"
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
    sock = listen(settings.site.host, settings.site.port)
    host, port = sock.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    async def ready() -> None:
        print(
            f"andaman {__version__} listens on http://{shown}:{port}/ with data in {settings.site.directory}",
            flush=True,
        )
        if settings.site.no_auth:
            print(
                "WARNING: --no-auth: everybody who reaches this port has full rights. Never use it for real data.",
                flush=True,
            )

    run_blocking(app, sock, ready)
    return 0


def _load(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.offline import load_pack_offline

    def progress(done: int, total: int) -> None:
        print(f"\r{options.pack_name}: {done} of {total}", end="", file=sys.stderr, flush=True)

    count = asyncio.run(load_pack_offline(settings, options.pack_name, progress))
    print(f"\n{options.pack_name}: {count} entities written", file=sys.stderr)
    return 0


def _export(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.definitions.config import exported
    from andaman.offline import on_definitions

    async def work(definitions: Definitions) -> bytes:
        return orjson.dumps(exported(definitions), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    body = asyncio.run(on_definitions(settings, work))
    if options.file == "-":
        sys.stdout.buffer.write(body)
    else:
        Path(options.file).write_bytes(body)
    return 0


def _import(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.definitions.config import Change, imported, planned
    from andaman.definitions.service import Source
    from andaman.kernel.digests import content_digest
    from andaman.offline import cli_actor, on_definitions

    try:
        body = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    except FileNotFoundError:
        raise BadRequestData(f"There is no file {options.file}") from None
    try:
        content = orjson.loads(body)
    except ValueError as error:
        raise BadRequestData(f"{options.file} is not JSON: {error}") from None

    async def work(definitions: Definitions) -> list[Change]:
        if options.trying:
            return await planned(definitions, content, delete=options.delete)
        source = Source(Path(options.file).name, content_digest(content))
        actor, reason = cli_actor(), options.reason or "config import"
        return await imported(
            definitions, content, actor, delete=options.delete, reason=reason, source=source
        )

    changes = asyncio.run(on_definitions(settings, work, create=not options.trying))
    for one in changes:
        print(f"{one.step} {one.kind}/{one.key}")
    print(f"{len(changes)} {'would change' if options.trying else 'changed'}", file=sys.stderr)
    return 0


def _backup(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance import backup_all, backup_into, check_set, give_way

    give_way(settings.site.directory)
    if options.check:
        print(check_set(options.target))
    elif options.target.suffix == ".tar":
        print(backup_all(settings.site.directory, options.target))
    else:
        print(
            backup_into(settings.site.directory, options.target, full=options.full, keep=max(0, options.keep))
        )
    return 0


def _restore(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.kernel.time import parse_time
    from andaman.maintenance import restore_all, restore_from
    from andaman.maintenance.secrets import advice_after_restore

    try:
        at = None if options.at is None else parse_time(options.at)
    except ValueError as error:
        raise AndamanError(f"--at {options.at}: {error}") from None
    restore = restore_all if options.source.is_file() else restore_from
    print(restore(options.source, settings.site.directory, at))
    if advice := advice_after_restore(settings):
        print(advice, file=sys.stderr)
    return 0


def _retention(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance.retention import list_retention

    print("\n".join(list_retention(settings.site.directory)))
    return 0


def _begin_anew(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.broker.ledger.schema import lock_holder
    from andaman.maintenance.losses import begin_anew
    from andaman.rooms import STORES

    if lock_holder(settings.site.directory) is not None:
        raise AndamanError(f"{settings.site.directory} is in use; stop the platform first")
    begin_anew(settings.site.directory, STORES, options.file)
    print(f"{options.file} is made again by the next start")
    return 0


def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.broker.ledger.maintenance import renew_index
    from andaman.maintenance import examine, give_way
    from andaman.rooms import STORES

    give_way(settings.site.directory)
    if options.renew_index:
        renew_index(settings.site.directory)
    findings = examine(settings, STORES)
    for finding in findings:
        print(f"{finding.level:8} {finding.subject}: {finding.text}")
    return EXIT_PROBLEM if any(f.level == "problem" for f in findings) else 0
