"""Mirrors: where a platform that cannot (or should not) reach the public network has copies of public contexts."""

from __future__ import annotations

from collections.abc import Sequence

from andaman.kernel.errors import AndamanError

Mirrors = Sequence[tuple[str, str]]
"""Pairs of address prefixes: what a context's URL begins with, and what it is fetched from instead."""


def read_mirrors(text: str) -> Mirrors:
    """``FROM=TO`` pairs with spaces between, both http(s) prefixes. Raises AndamanError that names the pair."""
    found = []
    for pair in text.split():
        prefix, _, target = pair.partition("=")
        if not all(one.startswith(("http://", "https://")) for one in (prefix, target)):
            raise AndamanError(
                f"context_mirrors: {pair!r} is not of the form FROM=TO with two http(s) address prefixes"
            )
        found.append((prefix, target))
    return tuple(found)


def mirrored(url: str, mirrors: Mirrors) -> str | None:
    """The mirror's address of this URL, or None. The longest prefix wins."""
    fitting = [(prefix, target) for prefix, target in mirrors if url.startswith(prefix)]
    if not fitting:
        return None
    prefix, target = max(fitting, key=lambda pair: len(pair[0]))
    return target + url[len(prefix) :]
