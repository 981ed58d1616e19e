"""The permission to see what waits for a second person. Each action has further permissions of its own."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

READ_PROPOSALS: Final = Permission(
    "proposal.read",
    Words(
        "ดูคำขออนุมัติที่เกี่ยวข้องกับตน และพิจารณาตามสิทธิ",
        "See proposals that concern one, and decide them as permitted",
    ),
)
PERMISSIONS: Final = (READ_PROPOSALS,)
