"""Patterns of MQTT topics: the subscribed filter, the topics that fit, the names they give (MQTT 5 §4.7, §4.8.2). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 65_535
"""Of a topic or filter in UTF-8 (MQTT 5 §4.7.3)."""
_SHARE: Final = "$share/"


class BadPattern(ValueError):
    """The text is not a pattern; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``filter`` is the text to subscribe to (with ``$share/group/``), ``bare`` the same without the group."""

    text: str
    filter: str
    bare: str
    regex: re.Pattern[str]  # a named group for each {name}
    names: frozenset[str]


def read_pattern(text: str) -> Pattern:
    """``city/air/{station}``, ``city/+/level``, ``city/#``, each also behind ``$share/group/``. Raises BadPattern."""
    if not text or "\0" in text or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise BadPattern(f"A pattern has 1 to {MAX_BYTES} bytes and no NUL character")
    group, rest = "", text
    if text.startswith("$share"):
        name, slash, rest = text.removeprefix(_SHARE).partition("/")
        if not text.startswith(_SHARE) or not name or not slash or not rest or set(name) & set("+#{}"):
            raise BadPattern("A shared subscription is written $share/group/pattern")
        group = f"{_SHARE}{name}/"
    levels = rest.split("/")
    names: list[str] = []
    parts: list[str] = []
    subscribed: list[str] = []
    for index, level in enumerate(levels):
        if level == "#":
            if index != len(levels) - 1:
                raise BadPattern("# is a topic level at the end only")
            subscribed.append("#")
            continue
        if level == "+":
            parts.append("[^/]*")
            subscribed.append("+")
        elif level[:1] == "{" and level[-1:] == "}":
            name = level[1:-1]
            if not name.isidentifier():
                raise BadPattern(
                    f"{level} is not a name: it must begin with a letter and continue with letters, digits and _"
                )
            if name in names:
                raise BadPattern(f"the name {level} occurs twice")
            names.append(name)
            parts.append(f"(?P<{name}>[^/]+)")
            subscribed.append("+")
        elif set(level) & set("+#{}"):
            raise BadPattern(f"{level!r} is not a topic level; write text, +, {{name}}, or # at the end")
        else:
            parts.append(re.escape(level))
            subscribed.append(level)
    regex = "/".join(parts)
    if levels[-1] == "#":
        regex = f"{regex}(?:/.*)?" if parts else ".*"  # "a/#" takes in "a" (§4.7.1.2)
    if levels[0] in ("+", "#") or levels[0][:1] == "{":
        regex = r"(?!\$)" + regex  # a wildcard at the beginning leaves out $SYS and the like (§4.7.2)
    bare = "/".join(subscribed)
    return Pattern(text, group + bare, bare, re.compile(regex, re.DOTALL), frozenset(names))


def covers(general: str, special: str) -> bool:
    """Does every topic that fits ``special`` fit ``general``? Both are filters without a group."""
    ours, theirs = general.split("/"), special.split("/")
    if ours[0] in ("+", "#") and theirs[0][:1] == "$":
        return False
    for index, level in enumerate(ours):
        if level == "#":
            return True
        if index == len(theirs):
            return False
        if theirs[index] == "#" or (level != "+" and level != theirs[index]):
            return False
    return len(ours) == len(theirs)


def overlap(one: str, two: str) -> bool:
    """Is there a topic that fits both filters? They are without a group."""
    ours, theirs = one.split("/"), two.split("/")
    for first, other in ((ours[0], theirs[0]), (theirs[0], ours[0])):
        if first in ("+", "#") and other[:1] == "$":
            return False
    for a, b in zip(ours, theirs, strict=False):
        if "#" in (a, b):
            return True
        if a != b and "+" not in (a, b):
            return False
    longer = ours if len(ours) > len(theirs) else theirs
    return len(ours) == len(theirs) or longer[min(len(ours), len(theirs))] == "#"


def joined(one: str, two: str) -> str:
    """The narrowest filter that covers two that overlap."""
    levels: list[str] = []
    ours, theirs = one.split("/"), two.split("/")
    for a, b in zip(ours, theirs, strict=False):
        if "#" in (a, b):
            return "/".join([*levels, "#"])
        levels.append(a if a == b else "+")
    return "/".join(levels if len(ours) == len(theirs) else [*levels, "#"])
