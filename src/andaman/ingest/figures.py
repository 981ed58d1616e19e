"""Figures of a feed: how much it wrote, and how fast it replays."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.api import DEFAULT_TENANT, Event
from andaman.evidence.model import Basis, Constant, Detail, EntityRef, Resolver
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Access, Actor
from andaman.ingest.manager import FeedManager
from andaman.ingest.problems import NoSuchFeed
from andaman.kernel.time import format_time
from andaman.kernel.words import Words

_LOOKED_AT: Final = 20_000
"""Changes of the city in which the entities of a feed are looked for, the newest ones."""
_FORMULA: Final = Words(
    "จำนวนการเปลี่ยนแปลงของรายการที่แหล่งข้อมูลนี้บันทึก นับตั้งแต่ระบบเริ่มทำงานครั้งล่าสุด",
    "Changes of entities that this feed has written since the platform started",
)
_NOTE: Final = Words(
    "รายการด้านล่างคือรายการที่แหล่งข้อมูลนี้แก้ไขในการเปลี่ยนแปลง 20,000 ครั้งล่าสุดของเมือง",
    "The list has the entities that this feed changed among the newest 20,000 changes of the city.",
)


def feed_figures(manager: FeedManager) -> Resolver:
    """Key: id of a feed."""

    async def resolve(key: str, actor: Actor) -> Basis:
        try:
            status = manager.get_status(key)
        except NoSuchFeed:
            raise NoSuchFigure from None
        broker = manager.broker
        events = await broker.read_events(
            broker.back(broker.seq, _LOOKED_AT), _LOOKED_AT, tenant=DEFAULT_TENANT
        )
        return Basis(
            title=Words(f"จำนวนที่บันทึก: {status.name['th']}", f"Changes written: {status.name['en']}"),
            value=status.count,
            unit=Words("ครั้ง", "changes"),
            period=Words("ตั้งแต่ระบบเริ่มทำงานครั้งล่าสุด", "Since the platform started"),
            formula=_FORMULA,
            constants=(
                Constant(
                    name=Words("ความเร็วในการเล่นข้อมูลย้อนหลัง", "Speed of the replay"),
                    value=status.speed,
                    unit=Words("เท่าของเวลาจริง", "times real time"),
                    source=Words("ค่าที่ตั้งไว้ของระบบ (feed_speed)", "Setting of the platform (feed_speed)"),
                ),
            ),
            details=tuple(
                Detail(name=name, value=value)
                for name, value in (
                    (Words("รับข้อมูลล่าสุดเมื่อ", "Last change at"), _time(status.last_at)),
                    (Words("เริ่มทำงานใหม่หลังขัดข้อง (ครั้ง)", "Restarts after a failure"), status.restarts),
                    (Words("ระบบไม่รับ (รายการ)", "Refused observations"), status.refused),
                    (Words("ข้ามเพราะไม่มีค่าหรือเป็นค่าเก่า (รายการ)", "Ignored messages"), status.ignored),
                )
                if value is not None
            ),
            entities=_written_by(f"system:feed:{status.id}", events, actor.access),
            note=_NOTE,
        )

    return resolve


def _written_by(author: str, events: list[Event], access: Access) -> tuple[EntityRef, ...]:
    """The entities that it changed, those changed last first. A change of hidden attributes alone is as none."""
    last: dict[str, EntityRef] = {}
    for event in events:
        if event.actor == author and _is_seen(event, access):
            last.pop(event.entity_id, None)
            last[event.entity_id] = EntityRef(id=event.entity_id, time=format_time(event.at))
    return tuple(reversed(last.values()))


def _is_seen(event: Event, access: Access) -> bool:
    if not access.sees(event.types, event.scopes):
        return False
    hidden = access.hidden_attrs(event.types, event.scopes)
    return any(change.attr not in hidden for change in event.changes)


def _time(at: Any) -> str | None:
    return None if at is None else format_time(at)
