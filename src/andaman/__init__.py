"""Andaman: a city data platform and command center in one package."""

__version__ = "0.1.0"
