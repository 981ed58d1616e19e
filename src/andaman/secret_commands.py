"""The command line's part about secrets: ``andaman secret …``. The text comes from a prompt or standard input, never from an
argument, which others could read. ``set``, ``list`` and ``delete`` work while a platform runs; it follows within a second."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from andaman.kernel.errors import AndamanError, Conflict
from andaman.kernel.time import format_time
from andaman.settings import Settings

if TYPE_CHECKING:
    from andaman.kernel.secrets import Secrets

T = TypeVar("T")
Command = Callable[..., argparse.ArgumentParser]


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    command: Command,
    data: Callable[[argparse.ArgumentParser], None],
) -> None:
    """``command`` makes a parser in a group, ``data`` gives it ``--data`` and ``--settings``."""
    secret = command(
        commands,
        "secret",
        None,
        "passwords and tokens for others: set, list, delete, rotate; the texts are never shown",
    )
    actions = secret.add_subparsers(metavar="ACTION", required=True)
    text = "keep a password or token, or replace it; asks for it, or reads standard input"
    setting = command(actions, "set", _set, text)
    setting.add_argument("name", help="documents and settings name it as secret:NAME")
    setting.add_argument(
        "--host",
        action="append",
        required=True,
        help="where it may be sent: example.org, or 10.0.0.5:1883; repeat it for more",
    )
    data(setting)
    data(command(actions, "list", _list, "list the secrets: name, hosts, when set, where used"))
    delete = command(actions, "delete", _delete, "delete a secret; what needs it is refused from then on")
    delete.add_argument("name")
    delete.add_argument("--anyway", action="store_true", help="also where something still names it")
    data(delete)
    text = "make a new key and seal everything with it; no server may use the directory"
    rotate = command(actions, "rotate", _rotate, text)
    rotate.add_argument(
        "--lost", action="store_true", help="the key is lost: continue without the texts that it sealed"
    )
    data(rotate)


def _do(settings: Settings, work: Callable[[Secrets], T]) -> T:
    from andaman.keeping.room import SecretSettings, open_secrets

    directory = settings.site.directory
    if not directory.is_dir():
        raise AndamanError(f"There is no data directory {directory}; name it with --data")
    kept = open_secrets(directory, settings.of(SecretSettings))
    try:
        return work(kept)
    finally:
        kept.close()


def _audit(settings: Settings, action: str, name: str = "") -> None:
    """Note in the audit log who did what to which secret; a directory without accounts has no audit log yet."""
    from andaman.identity.store import FILE
    from andaman.offline import cli_actor, open_identity

    async def note() -> None:
        identity = open_identity(settings)
        try:
            await identity.audit.add(cli_actor(), action, f"secret:{name}" if name else "")
        finally:
            await identity.close()

    if (settings.site.directory / FILE).is_file():
        asyncio.run(note())


def _text() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    first = getpass.getpass("Secret: ")
    if getpass.getpass("Once more: ") != first:
        raise AndamanError("The two differ; nothing was changed")
    return first


def _set(options: argparse.Namespace, settings: Settings) -> int:
    def work(kept: Secrets) -> bool:
        fresh = not kept.key_file.exists()
        kept.set(options.name, _text(), options.host)
        return fresh

    fresh = _do(settings, work)
    _audit(settings, "secret.set", options.name)
    print(f"{options.name} is set; name it as secret:{options.name}")
    if fresh:
        key_file = _do(settings, lambda kept: kept.key_file)
        print(f"The key was made: {key_file}. Keep a copy of it elsewhere: no backup has it", file=sys.stderr)
    return 0


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance.secrets import uses

    used = uses(settings)
    listed = _do(settings, lambda kept: kept.list_all())
    for one in listed:
        closed = "" if one.opens else "  DOES NOT OPEN: the key is missing or another one"
        where = ", ".join(used.get(one.name, ["nothing yet"]))
        print(f"{one.name}  set {format_time(one.at)}  for {', '.join(one.hosts)}  used by {where}{closed}")
    for name in sorted(used.keys() - {one.name for one in listed}):
        print(f"{name}  NOT SET  used by {', '.join(used[name])}")
    trouble = _do(settings, lambda kept: kept.trouble())
    if trouble:
        print(trouble, file=sys.stderr)
    return 0


def _delete(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance.secrets import uses

    where = uses(settings).get(options.name)
    if where and not options.anyway:
        raise Conflict(f"{options.name} is used by {', '.join(where)}. Change that first, or add --anyway")
    _do(settings, lambda kept: kept.delete(options.name))
    _audit(settings, "secret.delete", options.name)
    print(f"{options.name} is deleted")
    return 0


def _rotate(options: argparse.Namespace, settings: Settings) -> int:
    from andaman.maintenance.secrets import give_up_key, rotate

    said = give_up_key(settings) if options.lost else rotate(settings)
    _audit(settings, "secret.give-up-key" if options.lost else "secret.rotate-key")
    print(said)
    return 0
