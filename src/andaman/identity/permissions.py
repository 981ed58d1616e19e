"""Permissions for accounts, tokens and the audit, and for NGSI-LD: background work in somebody's name depends on some."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

MANAGE_OWN_SIGN_INS: Final = Permission(
    "sign-in.manage",
    Words("ดูและยุติการเข้าสู่ระบบและโทเค็นของตนเอง", "See and end one's own sign-ins and tokens"),
)
MANAGE_ACCOUNTS: Final = Permission("account.manage", Words("จัดการบัญชีผู้ใช้", "Manage accounts"), reserved=True)
MANAGE_TOKENS: Final = Permission("token.manage", Words("จัดการโทเค็น", "Manage tokens"), reserved=True)
MANAGE_ROLES: Final = Permission("role.manage", Words("แก้ไขบทบาทและสิทธิ", "Edit the roles"), reserved=True)
REVIEW_ROLES: Final = Permission(
    "role.review", Words("อนุมัติการแก้ไขบทบาท", "Approve changes of roles"), reserved=True
)
READ_AGENCIES: Final = Permission("agency.read", Words("ดูรายชื่อหน่วยงาน", "See the list of agencies"))
MANAGE_AGENCIES: Final = Permission(
    "agency.manage", Words("จัดการรายชื่อหน่วยงาน", "Manage the list of agencies")
)
READ_AUDIT: Final = Permission("audit.read", Words("ดูบันทึกการตรวจสอบ", "Read the audit log"))
READ_SOURCES: Final = Permission(
    "source.read", Words("ดูแหล่งข้อมูลบริบทที่ลงทะเบียน", "See registered context sources")
)
WATCH_SOURCES: Final = Permission(
    "source.watch",
    Words("รับแจ้งเมื่อการลงทะเบียนแหล่งข้อมูลเปลี่ยนแปลง", "Be notified when registrations of sources change"),
)
MANAGE_SOURCES: Final = Permission("source.manage", Words("จัดการแหล่งข้อมูลบริบท", "Manage context sources"))
MANAGE_CONTEXTS: Final = Permission(
    "context.manage", Words("จัดเก็บและลบบริบท JSON-LD ของตน", "Host JSON-LD contexts and delete one's own")
)
WRITE_OWN_DATASETS: Final = Permission(
    "dataset.write", Words("แก้ไขข้อมูลในชุดข้อมูลของหน่วยงานตนเอง", "Write the datasets of one's own agency")
)
"""The policy asks it of each entity that is written."""
PERMISSIONS: Final = (
    MANAGE_OWN_SIGN_INS,
    MANAGE_ACCOUNTS,
    MANAGE_TOKENS,
    MANAGE_ROLES,
    REVIEW_ROLES,
    READ_AGENCIES,
    MANAGE_AGENCIES,
    READ_AUDIT,
    READ_SOURCES,
    WATCH_SOURCES,
    MANAGE_SOURCES,
    MANAGE_CONTEXTS,
    WRITE_OWN_DATASETS,
)
