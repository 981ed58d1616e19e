"""The permissions of training."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

READ_TRAINING: Final = Permission("training.read", Words("ดูหลักสูตรและการฝึก", "See courses and drills"))
MANAGE_STAFF: Final = Permission(
    "staff.manage", Words("กำหนดหน้าที่ของบุคลากร", "Give people their duties in the command center")
)
TAKE_COURSES: Final = Permission("course.take", Words("เรียนหลักสูตร", "Take courses"))
RUN_DRILLS: Final = Permission("drill.run", Words("เริ่มและจบการฝึกของตน", "Begin and end drills of one's own"))
REVIEW_DRILLS: Final = Permission("drill.review", Words("ดูผลการฝึกของผู้อื่น", "See the drills of others"))
MANAGE_DRILLS: Final = Permission("drill.manage", Words("จบการฝึกของผู้อื่น", "End the drills of others"))
PERMISSIONS: Final = (
    READ_TRAINING,
    MANAGE_STAFF,
    TAKE_COURSES,
    RUN_DRILLS,
    REVIEW_DRILLS,
    MANAGE_DRILLS,
)
