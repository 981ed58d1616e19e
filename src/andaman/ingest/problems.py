"""Refusals of the ingest room to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class NoSuchFeed(Refusal, ResourceNotFound):
    """``known``: the ids that exist."""

    code = "no-such-feed"
    words = Words("ไม่มีแหล่งข้อมูล {id} (มี: {known})", "There is no feed {id}; there are: {known}")
    id: str
    known: str


class FeedRunning(Refusal, Conflict):
    code = "feed-running"
    words = Words("แหล่งข้อมูล {id} ทำงานอยู่แล้ว", "The feed {id} runs already")
    id: str
