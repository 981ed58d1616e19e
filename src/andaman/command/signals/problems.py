"""What is wrong with the definition of a rule. ``field`` is the JSON pointer of the part."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import States, Words


class RuleRefused(Refusal, BadRequestData):
    code = "rule-refused"
    words = Words("{field}: ใช้ไม่ได้", "{field}: cannot be used")
    field: str


class RulePartNotAnObject(RuleRefused):
    code = "rule-part-not-an-object"
    words = Words("{field}: ต้องเป็นกลุ่มของค่าที่มีชื่อกำกับ", "{field}: must be a JSON object")


class RulePartUnknown(RuleRefused):
    code = "rule-part-unknown"
    words = Words(
        "{field}: ไม่มีส่วนนี้ ส่วนที่ใช้ได้คือ {choices}", "{field}: is not known here; allowed are {choices}"
    )
    choices: States


class RulePartMissing(RuleRefused):
    code = "rule-part-missing"
    words = Words("{field}: ยังไม่ได้กรอก", "{field}: is missing")


class RuleTextWrong(RuleRefused):
    code = "rule-text-wrong"
    words = Words(
        "{field}: ต้องเป็นข้อความยาว 1–{limit} ตัวอักษร", "{field}: must be a text of 1 to {limit} characters"
    )
    limit: int


class RuleNameWrong(RuleRefused):
    code = "rule-name-wrong"
    words = Words(
        "{field}: “{value}” ไม่ใช่ชื่อประเภทหรือชื่อค่า", "{field}: “{value}” is not a name of a type or attribute"
    )
    value: str


class RuleNumberWrong(RuleRefused):
    code = "rule-number-wrong"
    words = Words("{field}: ต้องเป็นตัวเลข", "{field}: must be a number")


class RuleChoiceWrong(RuleRefused):
    code = "rule-choice-wrong"
    words = Words(
        "{field}: “{value}” ไม่ใช่ค่าใดค่าหนึ่งต่อไปนี้: {choices}", "{field}: “{value}” is not one of {choices}"
    )
    value: str
    choices: States


class RuleDurationWrong(RuleRefused):
    code = "rule-duration-wrong"
    words = Words(
        "{field}: “{value}” ไม่ใช่ระยะเวลา เช่น {example} (ไม่ใช้เดือนและปี) ไม่เกิน 366 วัน",
        "{field}: “{value}” is not a duration such as {example} (no months or years), of at most 366 days",
    )
    value: str
    example: str = "P1DT6H"


class RuleTooLarge(RuleRefused):
    code = "rule-too-large"
    words = Words(
        "{field}: กฎมีได้ไม่เกิน {conditions} เงื่อนไข ซ้อนกันไม่เกิน {depth} ชั้น",
        "{field}: a rule has at most {conditions} conditions, nested {depth} deep",
    )
    conditions: int
    depth: int


class RuleListEmpty(RuleRefused):
    code = "rule-list-empty"
    words = Words("{field}: ต้องมีอย่างน้อยหนึ่งรายการ", "{field}: must be a list of one or more items")


class RuleExistsNested(RuleRefused):
    code = "rule-exists-nested"
    words = Words(
        "{field}: เงื่อนไขเกี่ยวกับข้อมูลอื่นซ้อนกันไม่ได้",
        "{field}: an exists condition cannot stand within another one",
    )


class RuleSilenceNested(RuleRefused):
    code = "rule-silence-nested"
    words = Words(
        "{field}: ตรวจการขาดหายของข้อมูลภายในเงื่อนไขเกี่ยวกับข้อมูลอื่นไม่ได้",
        "{field}: silence cannot be asked within exists",
    )


class RuleBoundsWrong(RuleRefused):
    code = "rule-bounds-wrong"
    words = Words(
        "{field}: ต้องเป็นตัวเลขสองค่า ค่าแรกไม่มากกว่าค่าที่สอง",
        "{field}: takes two numbers, the first not above the second",
    )


class RuleAreaWrong(RuleRefused):
    code = "rule-area-wrong"
    words = Words(
        "{field}: ต้องเป็นรูปหลายเหลี่ยมที่ถูกต้อง หรือรหัสของพื้นที่ในระบบ",
        "{field}: must be a valid GeoJSON Polygon or MultiPolygon, or ids of entities with an area",
    )


class RuleAreaUnknown(RuleRefused):
    code = "rule-area-unknown"
    words = Words(
        "{field}: {value} ไม่มีในระบบ หรือไม่มีอาณาเขต",
        "{field}: {value} is not an entity with an area as its location",
    )
    field: str = "/when"
    value: str


class RuleBandWrong(RuleRefused):
    code = "rule-band-wrong"
    words = Words("{field}: ต้องเป็น [ค่า, ความรุนแรง]", "{field}: must be [bound, severity]")


class RuleBandsRise(RuleRefused):
    code = "rule-bands-rise"
    words = Words("{field}: ค่าต้องเพิ่มขึ้นทีละระดับ", "{field}: bounds must rise from band to band")


class RuleBandsFall(RuleRefused):
    code = "rule-bands-fall"
    words = Words("{field}: ค่าต้องลดลงทีละระดับ", "{field}: bounds must fall from band to band")


class RuleLooksAway(RuleRefused):
    """Every condition is about other entities."""

    code = "rule-looks-away"
    words = Words(
        "{field}: ต้องตรวจค่าของข้อมูลที่เลือกเองอย่างน้อยหนึ่งค่า ไม่ใช่เฉพาะของข้อมูลอื่น",
        "{field}: must look at an attribute of the selected entity itself, not only at others",
    )
