"""All settings: those of the site, of the server, and of every room. Order of precedence: flag, environment
(``ANDAMAN_<NAME>``), file (TOML), default.

The page docs/settings.md is made from them; a test keeps both equal.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

from andaman.kernel.errors import AndamanError
from andaman.room import NoSettings, Setting, SiteSettings, settings_of
from andaman.rooms import ROOMS
from andaman.wire.settings import ServerSettings

S = TypeVar("S")


class SettingsError(AndamanError):
    """A setting is unknown or has a value that does not fit; the message names it and where it was read."""

    title = "A setting is not valid"


GROUPS: Final[dict[str, type[Any]]] = {
    "site": SiteSettings,
    "server": ServerSettings,
    **{room.name: room.settings for room in ROOMS if room.settings is not NoSettings},
}
"""Whose settings they are → the class that declares them."""
TABLE: Final[tuple[Setting, ...]] = tuple(row for kind in GROUPS.values() for row in settings_of(kind))
_WORDS: Final = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off", ""), False
)
_BY_NAME: Final = {row.name: row for row in TABLE}


class Settings:
    """The values of all settings."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {row.name: values.get(row.name, row.default) for row in TABLE}
        self.site = self.of(SiteSettings)

    def of(self, kind: type[S]) -> S:
        """The settings of one room, as its own class."""
        names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
        return kind(**{name: self._values[name] for name in names})

    def replace(self, **values: Any) -> Settings:
        """A copy with some values checked and changed."""
        checked = {name: _read(_row(name, "argument"), value, "argument") for name, value in values.items()}
        return Settings({**self._values, **checked})


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Merge flags, environment and file. Raises SettingsError for an unknown name or a value out of range."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    if file is not None:
        try:
            content = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"The settings file {file} is not TOML: {error}") from None
        for name, value in content.items():
            values[name] = _read(_row(name, str(file)), value, str(file))
    for row in TABLE:
        text = environ.get(f"ANDAMAN_{row.name.upper()}")
        if text is not None:
            values[row.name] = _read(row, text, f"the environment (ANDAMAN_{row.name.upper()})")
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _read(_row(name, "flag"), value, f"flag --{name.replace('_', '-')}")
    return Settings(values)


def _row(name: str, where: str) -> Setting:
    try:
        return _BY_NAME[name]
    except KeyError:
        raise SettingsError(
            f"{where} names {name!r}, which is not a setting; known are {', '.join(_BY_NAME)}"
        ) from None


def _read(row: Setting, value: Any, where: str) -> Any:
    want = type(row.default)
    try:
        if want is bool and isinstance(value, str):
            value = _WORDS.get(value.lower(), value)
        if want is bool:
            if not isinstance(value, bool):
                raise ValueError("it must be true or false")
        elif isinstance(value, bool):
            raise ValueError(f"it must be {'text' if want is str else 'a number'}")
        else:
            value = want(value)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{row.name} = {value!r} from {where} does not fit: {error}") from None
    if row.choices and value not in row.choices:
        raise SettingsError(f"{row.name} = {value!r} from {where}: choose one of {', '.join(row.choices)}")
    if (row.low is not None and value < row.low) or (row.high is not None and value > row.high):
        raise SettingsError(f"{row.name} = {value!r} from {where} is outside {row.low:g} to {row.high:g}")
    return value


def settings_page() -> str:
    """docs/settings.md, made from the table."""
    lines = [
        "# Settings",
        "",
        "Made by `make docs` from the classes in which rooms declare their settings. Precedence: flag, environment, file",
        "(`andaman serve --settings FILE`, TOML), default. The name of a setting is the same everywhere.",
    ]
    for group, kind in GROUPS.items():
        lines += ["", f"## {group}", "", "| setting | default | environment | meaning |", "|---|---|---|---|"]
        for row in settings_of(kind):
            default = (
                str(row.default).lower() if isinstance(row.default, bool) else (str(row.default) or "(empty)")
            )
            extra = f" One of: {', '.join(row.choices)}." if row.choices else ""
            lines.append(f"| `{row.name}` | `{default}` | `ANDAMAN_{row.name.upper()}` | {row.help}{extra} |")
    return "\n".join(lines) + "\n"
