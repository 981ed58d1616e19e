"""The limit of open files; apart, so that a process that needs nothing else starts at once."""

from __future__ import annotations

import resource


def raise_files() -> None:
    """As many open files as this process may have, up to 8,192."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
