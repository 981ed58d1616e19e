"""Words for the numbers of an MQTT broker (MQTT 5 §2.4, §3.2.2.2, §3.9.3, §3.14.2.1; MQTT 3.1.1 §3.2.2.3)."""

from __future__ import annotations

from typing import Final

V5_UNKNOWN: Final = frozenset({1, 0x84})
"""Answers to CONNECT that mean: not this version of the protocol."""
CONNECT_WORDS: Final = {
    1: "it does not speak this version of MQTT",
    2: "it does not take the client id; set another mqtt_client_id",
    3: "it is not available",
    4: "user name or password is wrong",
    5: "not authorized",
    10: "its answer cannot be read",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x84: "it does not speak this version of MQTT",
    0x85: "it does not take the client id; set another mqtt_client_id",
    0x86: "user name or password is wrong",
    0x87: "not authorized",
    0x88: "it is not available",
    0x89: "it is busy",
    0x8A: "this client is banned",
    0x8C: "it wants another way of signing in",
    0x95: "the packet is too large",
    0x97: "a quota is exceeded",
    0x9C: "another server is to be used",
    0x9D: "the server has moved",
    0x9F: "connections come too fast",
}
REFUSED_WORDS: Final = {
    0x80: "refused",
    0x83: "refused by a rule of its own",
    0x87: "not authorized",
    0x8F: "the filter is not valid there",
    0x91: "the packet number is in use",
    0x97: "a quota is exceeded",
    0x9E: "it has no shared subscriptions",
    0xA1: "it has no subscription identifiers",
    0xA2: "it has no wildcards",
}
DISCONNECT_WORDS: Final = {
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "a rule of its own",
    0x87: "not authorized",
    0x89: "it is busy",
    0x8B: "it is shutting down",
    0x8D: "it heard nothing of us for too long",
    0x8E: "another client has our id",
    0x93: "too many messages under way",
    0x95: "the packet is too large",
    0x96: "messages come too fast",
    0x97: "a quota is exceeded",
    0x98: "an administrator ended it",
    0x9C: "another server is to be used",
    0x9D: "the server has moved",
    0x9F: "connections come too fast",
    0xA0: "connected for too long",
}
