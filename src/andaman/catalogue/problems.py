"""Refusals of the catalogue to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Words


class NoSuchDataset(Refusal, ResourceNotFound):
    """Also for an entry that the reader may not see."""

    code = "no-such-dataset"
    words = Words("ไม่มีชุดข้อมูล {id} ในบัญชีข้อมูล", "There is no dataset {id} in the catalogue")
    id: str


class SelectorEmptied(Refusal, BadRequestData):
    code = "selector-emptied"
    words = Words(
        "ตัวเลือกข้อมูล (selector) ไม่ระบุชนิดหรือขอบเขตแล้ว ซึ่งจะเปิดเผยข้อมูลที่ปิดไว้ หากต้องการเช่นนั้นให้ลบรายการนี้",
        "The selector no longer names types or a scope, which would publish what the entry keeps closed;"
        " delete the entry if you mean that",
    )
    field: FieldName = "selector"


class PurposeMissing(Refusal, BadRequestData):
    """The entry had a purpose, and is to have none."""

    code = "purpose-missing"
    words = Words(
        "โปรดระบุวัตถุประสงค์ของข้อมูลนับจากนี้ เช่น {example}",
        "State the purpose of the data from now on, such as “{example}”",
    )
    example: str
    field: FieldName = "purpose"
