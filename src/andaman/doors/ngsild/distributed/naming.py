"""Context sources as their callers may know them: staff read the registrations, everybody else sees "a context source".

A source of kinds that a caller may never see is not asked for them, so that nothing tells that there is one. Of a source
that is asked, its failures show (CIM 009 §6.3.17), under a name that stands for it and leads nowhere.
"""

from __future__ import annotations

from typing import Final

from andaman.broker.registry.model import Info, Registration
from andaman.broker.registry.visibility import shown_of
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.identity.model import Access
from andaman.identity.permissions import READ_SOURCES
from andaman.kernel.positions import stirred

Matches = list[tuple[Registration, list[Info]]]
_WARNING: Final = b"ngsild-warning"
_NAME: Final = "urn:ngsi-ld:ContextSource:"


def offered(matches: Matches, access: Access) -> Matches:
    """Those that offer something of a kind that the caller may see."""
    shown = [(one, shown_of(infos, access)) for one, infos in matches]
    return [(one, infos) for one, infos in shown if infos]


def unnamed(door: Door, call: Call, answer: Answer) -> Answer:
    """The answer without ids of registrations, where they may not be listed: refusals, partial results and warnings."""
    if door.sources is None or call.actor.principal.may(READ_SOURCES):
        return answer
    warned = any(name.lower() == _WARNING for name, _ in answer.headers)
    if not warned and answer.status != 207 and answer.status < 400:
        return answer
    there = door.sources.registry.of(call.tenant)
    if there is None:
        return answer
    failed = answer.status == 207 or answer.status >= 400
    for one in there.all.values():
        real = one.id.encode()
        if warned or (failed and real in answer.body):
            shown = f"{_NAME}{stirred(door.broker.position_key, f'{call.tenant} {one.id}')}".encode()
            answer.headers = [
                (name, text.replace(real, shown) if name.lower() == _WARNING else text)
                for name, text in answer.headers
            ]
            if failed:
                answer.body = answer.body.replace(real, shown)
    return answer
