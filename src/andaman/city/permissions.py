"""The permissions for the data of the city itself."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

WRITE_STATISTICS: Final = Permission(
    "statistic.write", Words("แก้ไขค่าสถิติที่รายงาน", "Write reported statistics (KeyPerformanceIndicator)")
)
READ_REGISTERS: Final = Permission("register.read", Words("ดูทะเบียนข้อมูลหลัก", "See the registers"))
MANAGE_REGISTERS: Final = Permission("register.manage", Words("แก้ไขทะเบียนข้อมูลหลัก", "Edit the registers"))
PERMISSIONS: Final = (WRITE_STATISTICS, READ_REGISTERS, MANAGE_REGISTERS)
