"""Permissions for all definitions together. Each kind has its own to read, to change and to review."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

READ_DEFINITIONS: Final = Permission(
    "definition.read",
    Words(
        "ดูข้อกำหนดของเมืองและประวัติการแก้ไข", "See the city's definitions that one may read, with their history"
    ),
)
MANAGE_CONFIG: Final = Permission(
    "config.manage",
    Words("ส่งออกและนำเข้าข้อกำหนดทั้งหมด", "Export and import all definitions"),
    reserved=True,
)
PERMISSIONS: Final = (READ_DEFINITIONS, MANAGE_CONFIG)
