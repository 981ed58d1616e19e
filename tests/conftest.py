"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# Laws say what is true, benchmarks how fast: a slow machine makes no test fail.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
