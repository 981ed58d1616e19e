"""Refusals of the registers to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class NoSuchRegister(Refusal, ResourceNotFound):
    code = "no-such-register"
    words = Words("ไม่มีทะเบียน {id}", "There is no register {id}")
    id: str


class NoSuchRow(Refusal, ResourceNotFound):
    code = "no-such-row"
    words = Words("ไม่มีรายการ {id} ในทะเบียน", "The register has no row {id}")
    id: str
