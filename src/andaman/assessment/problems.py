"""The refusals of the assessment, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, Forbidden, NotSignedIn, ResourceNotFound, Unavailable
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Words


class CityDataMissing(Refusal, Unavailable):
    code = "city-data-missing"
    words = Words(
        "ยังไม่มีโครงข่ายถนนและเขตที่มีประชากร โปรดนำเข้าชุดข้อมูลเมืองก่อน",
        "The assessment needs road segments and districts with residents: load a city pack first",
    )


class SignInToSee(Refusal, NotSignedIn):
    code = "sign-in-to-see"
    words = Words(
        "โปรดเข้าสู่ระบบเพื่อดูข้อมูลนี้ ({type} ไม่เปิดเผยต่อสาธารณะ)", "Sign in to see this: {type} is not public"
    )
    type: str


class NotAmongYourRights(Refusal, Forbidden):
    code = "not-among-your-rights"
    words = Words("สิทธิของท่านไม่ครอบคลุมข้อมูล {type}", "Your rights do not include {type}")
    type: str


class NoSuchIndicator(Refusal, ResourceNotFound):
    code = "no-such-indicator"
    words = Words("ไม่มีตัวชี้วัด {id}", "There is no indicator {id}")
    id: str


class NoSuchStudy(Refusal, ResourceNotFound):
    code = "no-such-study"
    words = Words(
        "ไม่มีการศึกษา {place} (มี: {known})", "There is no accessibility study of {place}; there are {known}"
    )
    place: str
    known: str


class NoSuchRun(Refusal, ResourceNotFound):
    code = "no-such-coverage-run"
    words = Words(
        "ไม่มีผลการคำนวณความครอบคลุม {id}",
        "There is no coverage run {id}",
    )
    id: str


class TooManySites(Refusal, BadRequestData):
    code = "too-many-sites"
    words = Words(
        "สถานีฐาน {count} แห่งมากเกินไป คำนวณได้ครั้งละไม่เกิน {limit} แห่ง",
        "{count} sites are too many; a run takes up to {limit}",
    )
    count: int
    limit: int
    field: FieldName = "sites"
