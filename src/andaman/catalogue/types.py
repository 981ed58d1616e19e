"""Datasets."""

from __future__ import annotations

from typing import Final

from andaman.common_attributes import DESCRIPTION
from andaman.kernel.words import Words
from andaman.vocabulary import Attribute, Code, EntityType, Namespace

DATASET: Final = EntityType(
    "Dataset",
    Words("ชุดข้อมูล", "Dataset"),
    (
        Attribute("datasetCode", Words("รหัสชุดข้อมูล", "Dataset code")),
        Attribute("title", Words("ชื่อเรื่อง", "Title"), "LanguageProperty"),
        DESCRIPTION,
        Attribute("publisher", Words("หน่วยงานผู้เผยแพร่", "Publisher")),
        Attribute("license", Words("สัญญาอนุญาต", "Licence")),
        Attribute(
            "classification",
            Words("ชั้นข้อมูล", "Classification"),
            codes=(
                Code("public", Words("ข้อมูลสาธารณะ", "Public")),
                Code("personal", Words("ข้อมูลส่วนบุคคล", "Personal")),
                Code("security", Words("ข้อมูลความมั่นคง", "Security")),
                Code("officialSecret", Words("ข้อมูลความลับทางราชการ", "Official secret")),
            ),
        ),
        Attribute("selector", Words("เงื่อนไขการเลือกข้อมูล", "Selector"), "JsonProperty", hidden=True),
        Attribute(
            "accrualPeriodicity",
            Words("ความถี่ในการปรับปรุง", "Update interval"),
            note="ISO 8601 duration, or `irregular`",
        ),
        Attribute("contactPoint", Words("ผู้ติดต่อ", "Contact")),
        Attribute(
            "hiddenAttributes",
            Words("ข้อมูลที่จำกัดการเข้าถึง", "Restricted attributes"),
            "JsonProperty",
            hidden=True,
        ),
        Attribute(
            "requiredAttributes", Words("ข้อมูลที่ต้องมี", "Required attributes"), "JsonProperty", hidden=True
        ),
        Attribute("purpose", Words("วัตถุประสงค์", "Purpose"), namespace=Namespace.DEFAULT),
        Attribute(
            "retention",
            Words("ระยะเวลาเก็บรักษา", "Retention"),
            "JsonProperty",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
    ),
    (),
    ids="urn:ngsi-ld:Dataset:<code>",
    configures=True,
)
TYPES: Final = (DATASET,)
