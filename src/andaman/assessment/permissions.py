"""Permissions of the assessment."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

REFRESH_INDICATORS: Final = Permission(
    "indicator.refresh", Words("คำนวณตัวชี้วัดใหม่", "Compute indicators again")
)
COMPUTE_COVERAGE: Final = Permission(
    "coverage.compute", Words("คำนวณความครอบคลุมของสัญญาณ", "Compute the coverage of networks")
)
WRITE_SITES: Final = Permission(
    "site.write", Words("แก้ไขข้อมูลสถานีเครือข่าย", "Write network sites (NetworkSite)")
)
PERMISSIONS: Final = (REFRESH_INDICATORS, COMPUTE_COVERAGE, WRITE_SITES)
