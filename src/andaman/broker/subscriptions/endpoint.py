"""Endpoints of notifications: what may stand in them (CIM 009 §5.2.15, §5.2.22, §7.2)."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from andaman.broker.outgoing import Unreachable, target_of
from andaman.broker.subscriptions.model import Endpoint
from andaman.kernel.errors import BadRequestData
from andaman.kernel.secrets import LOCKED, reference_in

MEDIA: Final = ("application/json", "application/ld+json", "application/geo+json")
DEFAULT_TIMEOUT_S: Final = 10.0
LONGEST_TIMEOUT_S: Final = 60.0
_LONGEST_COOLDOWN_S: Final = 86_400.0
_MAX_PAIRS: Final = 50
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,200}")
_FRAMING: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
_VERSIONS: Final = ("mqtt3.1.1", "mqtt5.0")


def _bad(field: str, text: str) -> BadRequestData:
    return BadRequestData(f"{field} {text}", field=field)


def read_endpoint(value: Any, where: str = "notification.endpoint") -> tuple[Endpoint, dict[str, Any]]:
    """The endpoint, and its JSON with known members only. Raises BadRequestData that names the member."""
    if not isinstance(value, dict):
        raise _bad(where, "must be an object with a uri")
    uri = value.get("uri")
    if not isinstance(uri, str) or len(uri) > 2048:
        raise _bad(f"{where}.uri", "must be a URL such as https://example.org/notify")
    mqtt = _check_uri(uri, f"{where}.uri")
    out: dict[str, Any] = {"uri": uri}
    accept = value.get("accept", "application/json")
    if "accept" in value:
        if accept not in MEDIA:
            raise _bad(f"{where}.accept", f"must be one of {', '.join(MEDIA)}")
        out["accept"] = accept
    times = {"timeout": DEFAULT_TIMEOUT_S, "cooldown": 0.0}
    for name in times:
        if name in value:
            given = value[name]
            if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
                raise _bad(f"{where}.{name}", "must be a number of milliseconds greater than 0")
            out[name] = given
            times[name] = min(given, 1e12) / 1000
    pairs = {
        name: _pairs(value[name], f"{where}.{name}")
        for name in ("receiverInfo", "notifierInfo")
        if name in value
    }
    for name, found in pairs.items():
        out[name] = [{"key": key, "value": text} for key, text in found]
    if mqtt:
        _check_mqtt(pairs.get("notifierInfo", ()), f"{where}.notifierInfo")
        _check_metadata(pairs.get("receiverInfo", ()), f"{where}.receiverInfo")
    else:
        _check_headers(pairs.get("receiverInfo", ()), f"{where}.receiverInfo")
    endpoint = Endpoint(
        uri,
        accept,
        min(times["timeout"], LONGEST_TIMEOUT_S),
        min(times["cooldown"], _LONGEST_COOLDOWN_S),
        pairs.get("receiverInfo", ()),
        pairs.get("notifierInfo", ()),
    )
    return endpoint, out


def _check_uri(uri: str, where: str) -> bool:
    """True for MQTT."""
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _bad(where, "is not a URL") from None
    if parts.scheme in ("mqtt", "mqtts"):
        topic = parts.path[1:]
        if not host or not topic or any(sign in topic for sign in "+#\0") or any(ord(c) <= 32 for c in uri):
            raise _bad(where, "must be like mqtt://user:password@host:1883/topic, the topic without + and #")
        return True
    if parts.scheme not in ("http", "https"):
        raise _bad(where, "must begin with http, https, mqtt or mqtts")
    try:
        target_of(uri)
    except Unreachable as error:
        raise _bad(where, f"cannot be used: {error.reason}") from None
    return False


def _pairs(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or len(value) > _MAX_PAIRS:
        raise _bad(where, f"must be a list of at most {_MAX_PAIRS} pairs of key and value")
    found: list[tuple[str, str]] = []
    for one in value:
        key, text = (one.get("key"), one.get("value")) if isinstance(one, dict) else (None, None)
        if not isinstance(key, str) or not isinstance(text, str) or not key or len(text) > 8000:
            raise _bad(where, "must hold pairs of key and value, both texts")
        found.append((key, text))
    return tuple(found)


def _check_headers(pairs: tuple[tuple[str, str], ...], where: str) -> None:
    for key, text in pairs:
        if _TOKEN.fullmatch(key) is None or key.lower() in _FRAMING:
            raise _bad(where, f"cannot set the header {key[:80]!r}")
        if not text.isprintable() or any(ord(char) > 255 for char in text):
            raise _bad(where, f"has a value for {key!r} that no header can have")


def _check_metadata(pairs: tuple[tuple[str, str], ...], where: str) -> None:
    """They go into the message, which everybody at the MQTT broker may read."""
    for key, text in pairs:
        if reference_in(text) is not None and not text.endswith(LOCKED):
            raise _bad(where, f"cannot name a secret for {key!r}: MQTT messages have no headers")


def _check_mqtt(pairs: tuple[tuple[str, str], ...], where: str) -> None:
    for key, text in pairs:
        if key == "MQTT-QoS" and text not in ("0", "1", "2"):
            raise _bad(where, "MQTT-QoS is 0, 1 or 2")
        if key == "MQTT-Version" and text not in _VERSIONS:
            raise _bad(where, f"MQTT-Version is {' or '.join(_VERSIONS)}")
