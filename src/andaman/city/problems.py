"""What the registers refuse to people, with its words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Words


class NoSuchRegister(Refusal, ResourceNotFound):
    code = "no-such-register"
    words = Words("ไม่มีทะเบียน {id}", "There is no register {id}")
    id: str


class NoSuchRow(Refusal, ResourceNotFound):
    code = "no-such-row"
    words = Words("ไม่มีรายการ {id} ในทะเบียน", "The register has no row {id}")
    id: str


class CodeUnknown(Refusal, BadRequestData):
    """A field names a row of another register that is not there."""

    code = "code-unknown"
    words = Words(
        "{field}มีรหัส {value} ซึ่งไม่มีในทะเบียน",
        "{field} has the code {value}, which is in no row of its register",
    )
    field: FieldName
    value: str
