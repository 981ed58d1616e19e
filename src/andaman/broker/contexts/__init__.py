"""JSON-LD contexts: see README.md in this room."""

from andaman.broker.contexts.mirrors import read_mirrors
from andaman.broker.contexts.model import CORE_URL, Context
from andaman.broker.contexts.store import ContextStore

__all__ = ["CORE_URL", "Context", "ContextStore", "read_mirrors"]
