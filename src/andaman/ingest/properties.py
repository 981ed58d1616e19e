"""Properties of a PUBLISH packet (MQTT 5 §3.3.2.3), as far as they are for us. Pure."""

from __future__ import annotations

from typing import Final

_IDENTIFIER: Final = 0x0B
_SIZES: Final = {0x01: 1, 0x02: 4, 0x23: 2}
"""Of those with a fixed size: payload format, message expiry interval, topic alias."""
_TEXTS: Final = {0x03: 1, 0x08: 1, 0x09: 1, 0x26: 2}
"""How many texts: content type, response topic, correlation data, user property."""


def subscription_identifiers(properties: bytes) -> tuple[int, ...]:
    """The subscriptions that brought a message. Properties that cannot be read end the search; they are for others."""
    found: list[int] = []
    at = 0
    while at < len(properties):
        kind = properties[at]
        at += 1
        if kind == _IDENTIFIER:
            number = shift = 0
            while at < len(properties) and shift < 28:
                digit = properties[at]
                at += 1
                number |= (digit & 0x7F) << shift
                shift += 7
                if not digit & 0x80:
                    found.append(number)
                    break
            else:
                break
        elif kind in _SIZES:
            at += _SIZES[kind]
        elif kind in _TEXTS:
            for _ in range(_TEXTS[kind]):
                at += 2 + int.from_bytes(properties[at : at + 2], "big")
        else:
            break
    return tuple(found)
