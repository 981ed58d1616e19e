"""The permissions of ingest."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

INSPECT_FEEDS: Final = Permission(
    "feed.inspect", Words("ดูข้อขัดข้องของแหล่งข้อมูลอย่างละเอียด", "See the errors of feeds in full")
)
CONTROL_FEEDS: Final = Permission(
    "feed.control", Words("เริ่มและหยุดแหล่งข้อมูล", "Start and stop feeds"), reserved=True, given_before=True
)
"""A stopped feed blinds the rules that read it: that is a decision of an administrator, with a reason."""
READ_LETTERS: Final = Permission(
    "letter.read", Words("ดูข้อความที่ระบบอ่านไม่ได้", "See messages that could not be read (dead letters)")
)
PERMISSIONS: Final = (INSPECT_FEEDS, CONTROL_FEEDS, READ_LETTERS)
