"""Severities of CAP 1.2."""

from __future__ import annotations

from typing import Final

SEVERITIES: Final = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
"""CAP 1.2 §3.2.2, rising."""
