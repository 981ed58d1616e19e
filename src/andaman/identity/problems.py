"""Refusals of sign-in, accounts, sessions and tokens to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import (
    AlreadyExists,
    BadRequestData,
    Conflict,
    Forbidden,
    NotSignedIn,
    ResourceNotFound,
    TooManyRequests,
)
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Words

# -- signing in --------------------------------------------------------------------------------------------------


class WrongCredentials(Refusal, NotSignedIn):
    """In the same words whether there is such an account or not."""

    code = "wrong-credentials"
    words = Words("ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง", "The user name or the password is wrong")


class SignInsThrottled(Refusal, TooManyRequests):
    """``retryAfter``: seconds."""

    code = "sign-ins-throttled"
    words = Words(
        "ลองเข้าสู่ระบบผิดหลายครั้ง โปรดรอ {retryAfter} วินาทีแล้วลองใหม่",
        "Too many failed sign-ins; try again in {retryAfter} s",
    )
    retryAfter: int


class FailuresThrottled(Refusal, TooManyRequests):
    code = "failures-throttled"
    words = Words(
        "ทำรายการผิดหลายครั้ง โปรดรอ {retryAfter} วินาทีแล้วลองใหม่",
        "Too many failures; try again in {retryAfter} s",
    )
    retryAfter: int


class AddressSignInsBusy(Refusal, TooManyRequests):
    code = "address-sign-ins-busy"
    words = Words(
        "มีผู้เข้าสู่ระบบจากที่อยู่เครือข่ายนี้พร้อมกันหลายคน โปรดลองใหม่ในอีกสักครู่",
        "Too many people sign in at this address; try again in a few seconds",
    )
    retryAfter: int = 3


class SignInsBusy(Refusal, TooManyRequests):
    code = "sign-ins-busy"
    words = Words(
        "มีผู้เข้าสู่ระบบพร้อมกันหลายคน โปรดลองใหม่ในอีกสักครู่",
        "Too many people sign in at this moment; try again in a few seconds",
    )


class PurposeNotAllowed(Refusal, BadRequestData):
    code = "purpose-not-allowed"
    words = Words(
        "บทบาทของท่านไม่ครอบคลุมวัตถุประสงค์ {purpose}", "Your roles do not act for the purpose {purpose}"
    )
    purpose: str
    field: FieldName = "purpose"


class SessionOver(Refusal, NotSignedIn):
    code = "session-over"
    words = Words("การเข้าใช้ระบบสิ้นสุดแล้ว โปรดเข้าสู่ระบบใหม่", "The session is over; sign in again")


class SessionEndedMeanwhile(Refusal, NotSignedIn):
    code = "session-ended-meanwhile"
    words = Words(
        "การเข้าใช้ระบบสิ้นสุดก่อนที่ระบบจะได้รับคำขอครบถ้วน โปรดเข้าสู่ระบบใหม่",
        "The session ended before the request was complete; sign in again",
    )


class CsrfTokenWrong(Refusal, Forbidden):
    """An unsafe request with a session's cookie, and without the token that was given with it."""

    code = "csrf-token-wrong"
    words = Words(
        "หน้านี้ไม่ตรงกับการเข้าสู่ระบบครั้งล่าสุด โปรดโหลดหน้าใหม่แล้วลองอีกครั้ง",
        "This page does not belong to the present session; load it again."
        " The request needs the header X-CSRF-Token as given at sign-in",
    )
    field: FieldName = "X-CSRF-Token"


# -- limits of clients that have not signed in -----------------------------------------------------------------------


class QuestionsThrottled(Refusal, TooManyRequests):
    code = "questions-throttled"
    words = Words(
        "มีคำขอจากที่อยู่เครือข่ายนี้มากเกินไป โปรดรอ {retryAfter} วินาทีแล้วลองใหม่ หรือเข้าสู่ระบบ",
        "Too many questions from this address; try again in {retryAfter} s, or sign in",
    )
    retryAfter: int


class QuestionsWaiting(Refusal, TooManyRequests):
    code = "questions-waiting"
    words = Words(
        "มีคำขอจากที่อยู่เครือข่ายนี้รออยู่มากเกินไป โปรดลองใหม่ในอีกสักครู่",
        "Too many questions from this address are waiting",
    )
    retryAfter: int = 1


class TooManyScreens(Refusal, TooManyRequests):
    code = "too-many-screens"
    words = Words("มีหน้าจอที่เปิดอยู่จากที่อยู่เครือข่ายนี้มากเกินไป", "Too many open screens at this address")


# -- passwords -------------------------------------------------------------------------------------------------------


class OldPasswordWrong(Refusal, BadRequestData):
    code = "old-password-wrong"
    words = Words("รหัสผ่านเดิมไม่ถูกต้อง", "The old password is wrong")
    field: FieldName = "old"


class PasswordTooShort(Refusal, BadRequestData):
    code = "password-too-short"
    words = Words("รหัสผ่านต้องมีอย่างน้อย {least} ตัวอักษร", "The password has fewer than {least} characters")
    least: int
    field: FieldName = "password"


class PasswordTooLong(Refusal, BadRequestData):
    code = "password-too-long"
    words = Words("รหัสผ่านต้องมีไม่เกิน {most} ตัวอักษร", "The password has more than {most} characters")
    most: int
    field: FieldName = "password"


class PasswordTooUniform(Refusal, BadRequestData):
    code = "password-too-uniform"
    words = Words(
        "รหัสผ่านต้องมีตัวอักษรที่ต่างกันอย่างน้อย {least} ตัว",
        "The password has fewer than {least} different characters",
    )
    least: int
    field: FieldName = "password"


class PasswordTooCommon(Refusal, BadRequestData):
    code = "password-too-common"
    words = Words(
        "รหัสผ่านใกล้เคียงกับชื่อผู้ใช้หรือคำทั่วไปเกินไป โปรดเพิ่มคำอื่น",
        "The password is little more than the user's name or a common word; add other words",
    )
    field: FieldName = "password"


# -- accounts --------------------------------------------------------------------------------------------------------


class UsernameInvalid(Refusal, BadRequestData):
    code = "username-invalid"
    words = Words(
        "ชื่อผู้ใช้ต้องมี 2–64 ตัว ประกอบด้วย a–z 0–9 จุด ขีดกลาง หรือขีดล่าง และขึ้นต้นด้วยตัวอักษรหรือตัวเลข",
        "A user name has 2–64 of a–z, 0–9, dot, dash, underscore and begins with a letter or digit",
    )
    field: FieldName = "username"


class UsernameTaken(Refusal, AlreadyExists):
    code = "username-taken"
    words = Words("มีบัญชีผู้ใช้ {username} อยู่แล้ว", "There is an account {username} already")
    username: str
    field: FieldName = "username"


class NoSuchAccount(Refusal, ResourceNotFound):
    code = "no-such-account"
    words = Words("ไม่มีบัญชีผู้ใช้ {username}", "There is no account {username}")
    username: str


class PermissionMissing(Refusal, Forbidden):
    """``permission``: its name; ``meaning``: the action that it permits."""

    code = "permission-missing"
    words = Words(
        "บัญชีของท่านไม่มีสิทธิ{meaning} ({permission})", "This needs the permission {permission} ({meaning})"
    )
    permission: str
    meaning: Words


class PermissionTakenAway(PermissionMissing):
    """The same, of somebody who had it when the request began."""

    code = "permission-taken-away"
    words = Words(
        "สิทธิ {permission} ({meaning}) ของท่านถูกถอนแล้ว จึงไม่มีการเปลี่ยนแปลงใด ๆ",
        "This needs the permission {permission} ({meaning}), which was taken away meanwhile; nothing was changed",
    )


class RolesMissing(Refusal, BadRequestData):
    """``known``: the roles that can be given."""

    code = "roles-missing"
    words = Words("โปรดระบุบทบาทอย่างน้อยหนึ่งบทบาทจาก {known}", "Give at least one role of {known}")
    known: str
    field: FieldName = "roles"


class LastAdministrator(Refusal, BadRequestData):
    code = "last-administrator"
    words = Words(
        "บัญชีนี้เป็นผู้ดูแลระบบคนสุดท้าย โปรดแต่งตั้งผู้ดูแลระบบคนอื่นก่อน",
        "This is the last administrator; appoint another one first",
    )
    field: FieldName = "roles"


class AgencyCodeInvalid(Refusal, BadRequestData):
    code = "agency-code-invalid"
    words = Words("“{agency}” ไม่ใช่รหัสหน่วยงาน เช่น pk-ddpm", "“{agency}” is not an agency code such as pk-ddpm")
    agency: str
    field: FieldName = "agency"


class PurposeInvalid(Refusal, BadRequestData):
    code = "purpose-invalid"
    words = Words(
        "“{purpose}” ไม่ใช่รหัสวัตถุประสงค์ เช่น operations", "“{purpose}” is not a purpose such as operations"
    )
    purpose: str
    field: FieldName = "purpose"


class TrainerUnknown(Refusal, BadRequestData):
    """Somebody who is to be let into an exercise has no account."""

    code = "trainer-unknown"
    words = Words("ไม่มีบัญชีผู้ใช้ {username}", "There is no account {username}")
    username: str
    field: FieldName = "trainers"


class TooManyTrainers(Refusal, BadRequestData):
    code = "too-many-trainers"
    words = Words("การฝึกหนึ่งครั้งมีผู้เข้าร่วมได้ไม่เกิน {most} คน", "An exercise has at most {most} people")
    most: int
    field: FieldName = "trainers"


class TooManyTenants(Refusal, BadRequestData):
    code = "too-many-tenants"
    words = Words("บัญชีหนึ่งมีพื้นที่ข้อมูลได้ไม่เกิน {most} แห่ง", "An account has at most {most} tenants")
    most: int
    field: FieldName = "tenants"


class ExerciseTenantNotGiven(Refusal, BadRequestData):
    code = "exercise-tenant-not-given"
    words = Words(
        "พื้นที่ข้อมูลของการฝึกเปิดให้ผู้เข้าฝึกเท่านั้น ให้เริ่มการฝึกโดยระบุบุคคลนั้นเป็นผู้ฝึกสอน",
        "Only participants may enter the tenant of an exercise; name them as trainers when you start the drill",
    )
    field: FieldName = "tenants"


# -- sessions and tokens ----------------------------------------------------------------------------------------------


class NoSuchSession(Refusal, ResourceNotFound):
    code = "no-such-session"
    words = Words("ท่านไม่มีการเข้าใช้ระบบรายการนี้", "You have no such session")


class NotYourToken(Refusal, ResourceNotFound):
    code = "not-your-token"
    words = Words("ท่านไม่มีโทเค็นนี้", "You have no such token")


class TokenNotInForce(Refusal, ResourceNotFound):
    code = "token-not-in-force"
    words = Words("ไม่มีโทเค็น {id} ที่ใช้งานได้", "There is no token {id} in force")
    id: str


class TokenNotForTakeover(Refusal, ResourceNotFound):
    code = "token-not-for-takeover"
    words = Words("ไม่มีโทเค็น {id} ที่รับช่วงได้", "There is no token {id} that could be taken over")
    id: str


class TokenNameMissing(Refusal, BadRequestData):
    code = "token-name-missing"
    words = Words("โปรดตั้งชื่อโทเค็นให้ทราบว่าใช้เพื่ออะไร", "A token needs a name that says its purpose")
    field: FieldName = "name"


class TokenLifetimeOutOfRange(Refusal, BadRequestData):
    """``most``: days."""

    code = "token-lifetime-out-of-range"
    words = Words(
        "อายุของโทเค็นต้องมากกว่า 0 และไม่เกิน {most} วัน",
        "The lifetime of a token is more than 0 and at most {most} days",
    )
    most: int
    field: FieldName = "lifetimeDays"


class TokenChainTooLong(Refusal, Conflict):
    code = "token-chain-too-long"
    words = Words(
        "โทเค็นที่สร้างด้วยโทเค็นต่อกันได้ไม่เกิน {most} ชั้น ให้บุคคลเป็นผู้สร้างหรือใช้บรรทัดคำสั่ง",
        "A chain of tokens made with tokens has at most {most} links; make this one as a person, or on the command line",
    )
    most: int


class TokenStandsOnItself(Refusal, Conflict):
    code = "token-stands-on-itself"
    words = Words(
        "สิทธิที่ท่านใช้อยู่ขึ้นกับโทเค็น {id} นี้เอง ให้บุคคลเป็นผู้ดำเนินการ",
        "The token you act with depends on token {id}; do this as a person",
    )
    id: str


class TokenOwnsItself(Refusal, Conflict):
    code = "token-owns-itself"
    words = Words("โทเค็นรับผิดชอบตัวเองไม่ได้", "A token cannot answer for itself")


class RoleFixed(Refusal, Conflict):
    code = "role-fixed"
    words = Words(
        "บทบาท {role} เป็นบทบาทที่มากับระบบ จึงลบหรือแก้ไขไม่ได้",
        "The role {role} comes with the platform; it cannot be deleted or changed in this way",
    )
    role: str


class RoleInUse(Refusal, Conflict):
    code = "role-in-use"
    words = Words(
        "ลบบทบาท {role} ไม่ได้ เพราะยังมีบัญชีหรือโทเค็นใช้อยู่ {count} รายการ",
        "The role {role} cannot be deleted: {count} accounts or tokens have it",
    )
    role: str
    count: int


class RoleNameNotAllowed(Refusal, BadRequestData):
    code = "role-name-not-allowed"
    words = Words(
        "{field}ต้องขึ้นต้นด้วยอักษรอังกฤษตัวเล็ก ตามด้วยตัวอักษร ตัวเลข หรือขีดกลาง ไม่เกิน 32 ตัว",
        "{field} must begin with a small letter and have at most 32 letters, digits and hyphens",
    )
    field: FieldName
