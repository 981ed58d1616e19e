"""The permissions of the roadmap."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

MANAGE_MEASURES: Final = Permission("measure.manage", Words("แก้ไขมาตรการ", "Change measures"))
COMPUTE_PORTFOLIO: Final = Permission(
    "portfolio.compute", Words("คำนวณชุดมาตรการ", "Compute portfolios of measures")
)
PERMISSIONS: Final = (MANAGE_MEASURES, COMPUTE_PORTFOLIO)
