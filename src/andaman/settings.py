"""One table of settings. Order of precedence: flag, environment (``ANDAMAN_<NAME>``), file (TOML), default.

The page docs/settings.md is made from this table; a test keeps them equal.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from andaman.kernel.errors import AndamanError


class SettingsError(AndamanError):
    """A setting is unknown or has a value that does not fit; the message names it and where it was read."""

    title = "A setting is not valid"


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. The type of ``default`` is the type of the setting."""

    name: str
    default: str | int | float | bool
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


TABLE: Final[tuple[Setting, ...]] = (
    Setting("data", "data", "Directory of everything that is kept. One process owns it."),
    Setting("host", "127.0.0.1", "Address to listen on. Loopback unless you say otherwise."),
    Setting("port", 8026, "TCP port to listen on; 0 takes a free one.", 0, 65535),
    Setting("pack", "", "City pack to load at start when its content is new, e.g. phuket; empty for none."),
    Setting("feeds", False, "Run the pack's feeds (buses, weather, rain, accidents, tide)."),
    Setting("feed_speed", 1.0, "Replay speed of recorded feeds; 60 plays an hour in a minute.", 0.01, 3600),
    Setting(
        "no_auth", False, "No sign-in, full rights for everybody: for conformance runs, on loopback only."
    ),
    Setting(
        "broker_only",
        False,
        "Only the broker and its doors: no datasets, courses, measures, rules or indicators of the platform's own.",
    ),
    Setting(
        "https",
        False,
        "The platform is reached by https, through one proxy on this machine that sets X-Forwarded-For and -Proto: "
        "cookies are marked Secure.",
    ),
    Setting(
        "trusted_proxies",
        0,
        "Proxies before the platform, wherever they run: the client is the so-many-th entry of X-Forwarded-For from its "
        "end. Nobody but they may reach the port. 0: none, or the one of https.",
        0,
        10,
    ),
    Setting(
        "public_url", "", "Address under which people reach the platform, for links; empty: host and port."
    ),
    Setting(
        "source_alias",
        "",
        "Name of this broker among others that it works with (NGSI-LD Via); empty: one made up and kept with the data.",
    ),
    Setting("mqtt_url", "", "MQTT broker to take devices from, e.g. mqtt://127.0.0.1:1883; empty for none."),
    Setting(
        "mqtt_mapping", "", "Mapping file (TOML) from MQTT topics to entities; see docs/rooms/ingest.md."
    ),
    Setting(
        "mqtt_client_id",
        "",
        "Name of this installation at the MQTT broker; empty: one made up and kept with the data, but in no backup.",
    ),
    Setting(
        "backup_dir",
        "",
        "Backup set that the running platform adds to by itself, outside the data directory; empty for none.",
    ),
    Setting("backup_every_minutes", 15, "Time between two backups: what a lost disk costs.", 1, 10_080),
    Setting(
        "backup_full_every_hours", 168, "Time between two whole copies (bases) in the backup set.", 1, 8_760
    ),
    Setting(
        "backup_keep",
        4,
        "Bases kept in the backup set, with the journal since the oldest of them; older ones are removed. 0: all.",
        0,
        10_000,
    ),
    Setting("cache_mb", 64, "Memory for recently used entity bodies.", 1, 65536),
    Setting("history_memory_mb", 128, "Memory limit of the history engine (DuckDB).", 32, 262144),
    Setting("min_free_mb", 200, "Writes are refused when the disk has less free space than this.", 0, 1e9),
    Setting(
        "start_damaged",
        False,
        "Start although the ledger was found damaged: to reach what is left where there is no backup.",
    ),
    Setting(
        "context_allow_loopback", False, "Fetch JSON-LD contexts from loopback and private addresses too."
    ),
    Setting(
        "context_mirrors",
        "",
        "Prefixes of @context addresses answered from elsewhere: FROM=TO pairs with spaces between; TO may be local.",
    ),
    Setting(
        "temporal_page",
        0,
        "Instances of one entity in one answer about the past; longer answers are cut (206). 0: 1000, with no_auth 30.",
        0,
        100_000,
    ),
    Setting("max_body_mb", 10, "Largest request body; of strangers 64 KB.", 1, 1024),
    Setting("max_head_kb", 64, "Largest request line and headers of one request.", 8, 1024),
    Setting("head_seconds", 20.0, "Time for a request's headers to arrive.", 0.5, 3600),
    Setting(
        "body_seconds",
        60.0,
        "Time for a request's body to arrive, and a second more for every 2 KB of it.",
        0.5,
        3600,
    ),
    Setting(
        "unread_seconds",
        30.0,
        "Time for a client to read what it asked for, and a second more for every 2 KB of it.",
        0.5,
        3600,
    ),
    Setting(
        "connections_max",
        0,
        "Connections in all; 0: 8192, or three quarters of the files that the system allows, if that is less.",
        0,
        100_000,
    ),
    Setting(
        "connections_per_address",
        512,
        "Connections of one address, with or without sign-in; idle ones make room. Not counted behind a proxy. 0: no limit.",
        0,
        100_000,
    ),
    Setting("session_hours", 12, "A sign-in ends after this many hours.", 1, 720),
    Setting(
        "session_idle_minutes", 60, "A sign-in that is not used ends after this many minutes.", 5, 43_200
    ),
    Setting(
        "sessions_max", 10, "Sign-ins of one person at the same time; a further one ends the oldest.", 1, 100
    ),
    Setting(
        "drill_keep_days",
        30,
        "A drill's copy of the city is removed so long after its end; its score stays.",
        1,
        3650,
    ),
    Setting(
        "public_queries_per_minute",
        600,
        "Questions that one address may ask without sign-in; a large answer counts as several (64 KB each), a watch as one; "
        "pages, files, tiles and single entities are free. "
        "0: no limit. Behind a proxy set trusted_proxies or https, or all visitors are one address.",
        0,
        1_000_000,
    ),
    Setting(
        "public_sockets_per_address",
        30,
        "Live screens of one address without sign-in; 0: no limit.",
        0,
        100_000,
    ),
    Setting("unit_simulator", False, "Move assigned units along their routes (marked as simulated)."),
    Setting(
        "metrics_loopback",
        False,
        "GET /metrics answers this machine without sign-in. Not where a proxy on this machine forwards that path.",
    ),
    Setting(
        "clock_ahead_days",
        7.0,
        "The platform warns of the machine's clock where it is so many days ahead of the last commit.",
        0.01,
        36_500,
    ),
    Setting("log_level", "info", "How much to log.", choices=("debug", "info", "warning", "error")),
    Setting("log_format", "text", "Form of log lines.", choices=("text", "logfmt", "json")),
    Setting("log_requests", False, "One log line for each request, not for slow ones only."),
    Setting(
        "slow_request_ms", 1000, "Requests that take as long get a line in the log; 0: none do.", 0, 3_600_000
    ),
)
_WORDS: Final = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off", ""), False
)
_BY_NAME: Final = {row.name: row for row in TABLE}


class Settings:
    """Values of all settings; read as attributes (``settings.port``)."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {row.name: values.get(row.name, row.default) for row in TABLE}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def replace(self, **values: Any) -> Settings:
        """A copy with some values checked and changed."""
        checked = {name: _read(_row(name, "argument"), value, "argument") for name, value in values.items()}
        return Settings({**self._values, **checked})

    @property
    def data_dir(self) -> Path:
        return Path(self.data).expanduser()


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
            f"{where} names {name!r}, which is no setting; known are {', '.join(_BY_NAME)}"
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
        "Made from the table in `src/andaman/settings.py` by `make docs`. Precedence: flag, environment, file",
        "(`andaman serve --settings FILE`, TOML), default.",
        "",
        "| setting | default | environment | meaning |",
        "|---|---|---|---|",
    ]
    for row in TABLE:
        default = (
            str(row.default).lower() if isinstance(row.default, bool) else (str(row.default) or "(empty)")
        )
        extra = f" One of: {', '.join(row.choices)}." if row.choices else ""
        lines.append(f"| `{row.name}` | `{default}` | `ANDAMAN_{row.name.upper()}` | {row.help}{extra} |")
    return "\n".join(lines) + "\n"
