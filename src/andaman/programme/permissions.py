"""The permissions of the programme."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

READ_DRAFT: Final = Permission(
    "programme.read-draft",
    Words("ดูร่างผลโครงการก่อนเผยแพร่", "See the figures of the programme before their release"),
)
ENTER_ACCEPTANCE: Final = Permission(
    "programme.enter-acceptance",
    Words(
        "บันทึกผลการตรวจรับก่อนใช้แพลตฟอร์ม และเสนอถอนผลการตรวจรับ",
        "Enter work that was accepted before the platform, and propose to withdraw it",
    ),
)
APPROVE_ACCEPTANCE: Final = Permission(
    "programme.approve-acceptance",
    Words(
        "อนุมัติผลการตรวจรับหรือการถอนที่ผู้อื่นเสนอ",
        "Approve acceptances that another person entered, and withdrawals that another person proposed",
    ),
)
RELEASE: Final = Permission(
    "programme.release", Words("เผยแพร่ผลโครงการ", "Release the figures of the programme")
)
PERMISSIONS: Final = (READ_DRAFT, ENTER_ACCEPTANCE, APPROVE_ACCEPTANCE, RELEASE)
