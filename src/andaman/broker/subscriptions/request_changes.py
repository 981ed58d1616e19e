"""The changes of one request that concern a subscription, until one notification sends them. CIM 009 §5.8.6: "the
notification message shall include all the subscribed Entities that changed".

Events belong together by what the journal says of them: one tenant, one commit, one request. So a repeat after a kill is cut
in the same way and its notifications have the same ids. Another notification begins where the same entity changed again (each
state is told), and at the bounds of number and bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from andaman.broker.model import Event

MOST_ENTITIES: Final = 1_000
MOST_BYTES: Final = 1 << 20
"""Limit for one notification; a single entity may be larger."""


def of_one_request(one: Event, other: Event) -> bool:
    """Are they what the same request changed?"""
    return (
        one.at == other.at
        and one.request == other.request
        and bool(one.request)
        and one.tenant == other.tenant
        and one.actor == other.actor
    )


@dataclass(slots=True)
class RequestChanges:
    """Changes for the next notification of one subscription, as JSON."""

    first: Event
    data: dict[str, bytes] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=list)
    size: int = 0

    def takes(self, event: Event, content: bytes) -> bool:
        """Is there room for it here?"""
        return (
            of_one_request(self.first, event)
            and event.entity_id not in self.data
            and len(self.data) < MOST_ENTITIES
            and self.size + len(content) <= MOST_BYTES
        )

    def add(self, event: Event, content: bytes) -> None:
        self.data[event.entity_id] = content
        self.seqs.append(event.seq)
        self.size += len(content)
