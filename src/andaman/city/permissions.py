"""What people need permissions for in the data of the city itself."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

WRITE_STATISTICS: Final = Permission(
    "statistic.write", Words("แก้ไขค่าสถิติที่รายงาน", "Write reported statistics (KeyPerformanceIndicator)")
)
PERMISSIONS: Final = (WRITE_STATISTICS,)
