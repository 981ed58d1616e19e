"""The permissions of the command center."""

from __future__ import annotations

from typing import Final

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

ACKNOWLEDGE_ALERT: Final = Permission("alert.acknowledge", Words("รับทราบการแจ้งเตือน", "Acknowledge alerts"))
CLOSE_ALERT: Final = Permission("alert.close", Words("ปิดการแจ้งเตือน", "Close alerts"))
READ_INCIDENT: Final = Permission(
    "incident.read",
    Words("ดูรายละเอียดของเหตุและหน่วยที่ส่งได้", "See incidents in detail, and units that could be sent"),
)
CREATE_INCIDENT: Final = Permission("incident.create", Words("เปิดเหตุ", "Create incidents"))
STEP_INCIDENT: Final = Permission(
    "incident.step", Words("เปลี่ยนสถานะของเหตุ", "Change the status of incidents")
)
CLOSE_INCIDENT: Final = Permission("incident.close", Words("ปิดหรือยกเลิกเหตุ", "Close or cancel incidents"))
NOTE_INCIDENT: Final = Permission(
    "incident.note", Words("บันทึกข้อความและรายการตรวจสอบของเหตุ", "Write notes and check items of incidents")
)
CORRECT_INCIDENT: Final = Permission(
    "incident.correct", Words("แก้ไขข้อมูลของเหตุ", "Correct title, kind, severity and place of incidents")
)
ASSIGN_UNIT: Final = Permission(
    "unit.assign", Words("สั่งการหน่วยและเรียกหน่วยกลับ", "Send units to incidents and recall them")
)
STEP_ASSIGNMENT: Final = Permission(
    "assignment.step", Words("เปลี่ยนสถานะของภารกิจ", "Change the status of assignments")
)
SET_UNIT_STATUS: Final = Permission(
    "unit.set-status", Words("กำหนดสถานะของหน่วยปฏิบัติการ", "Set the status of units")
)
READ_RULES: Final = Permission("rule.read", Words("ดูกฎการแจ้งเตือน", "See alert rules"))
MANAGE_RULES: Final = Permission("rule.manage", Words("แก้ไขกฎการแจ้งเตือน", "Change alert rules"))
PERMISSIONS: Final = (
    ACKNOWLEDGE_ALERT,
    CLOSE_ALERT,
    READ_INCIDENT,
    CREATE_INCIDENT,
    STEP_INCIDENT,
    CLOSE_INCIDENT,
    NOTE_INCIDENT,
    CORRECT_INCIDENT,
    ASSIGN_UNIT,
    STEP_ASSIGNMENT,
    SET_UNIT_STATUS,
    READ_RULES,
    MANAGE_RULES,
)
