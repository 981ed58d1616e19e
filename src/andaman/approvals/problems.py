"""The refusals of approvals, with their words."""

from __future__ import annotations

from andaman.kernel.errors import Conflict, Forbidden, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import State, Words


class NoSuchProposal(Refusal, ResourceNotFound):
    code = "no-such-proposal"
    words = Words("ไม่มีคำขออนุมัติ {id}", "There is no proposal {id}")
    id: str


class ProposalDecided(Refusal, Conflict):
    code = "proposal-decided"
    words = Words(
        "คำขออนุมัตินี้สิ้นสุดแล้ว (สถานะ: {state})", "This proposal is no longer open; its state is {state}"
    )
    state: State


class ProposalChanged(Refusal, Conflict):
    """The digest is of another content."""

    code = "proposal-changed"
    words = Words(
        "เนื้อหาที่ท่านตรวจไม่ตรงกับคำขออนุมัติ โปรดเปิดอ่านใหม่ก่อนอนุมัติ",
        "The proposal has another content than the one you read; read it again before you approve it",
    )


class ProposalOutdated(Refusal, Conflict):
    """Its subject has changed since."""

    code = "proposal-outdated"
    words = Words(
        "รายการนี้ถูกแก้ไขหลังจากเสนอคำขอ คำขอนี้จึงนำไปใช้ไม่ได้แล้ว โปรดให้ผู้เสนอจัดทำร่างใหม่",
        "The definition has changed since this proposal, so it cannot take effect; its author must make a new draft",
    )


class SecondPersonNeeded(Refusal, Forbidden):
    code = "second-person-needed"
    words = Words(
        "ผู้อนุมัติต้องเป็นบุคคลอื่นที่ไม่ใช่ผู้เสนอ และต้องเข้าสู่ระบบด้วยบัญชีของตนเอง",
        "Another person than the author must approve this, signed in with their own account",
    )


class RightsEnded(Refusal, Forbidden):
    """``name``: whose right is over."""

    code = "rights-ended"
    words = Words(
        "{name} ไม่มีสิทธิที่จำเป็นสำหรับการดำเนินการนี้แล้ว จึงยังไม่ได้ดำเนินการ",
        "{name} no longer has the permission that this needs; nothing was done",
    )
    name: str


class TooManyProposals(Refusal, Conflict):
    code = "too-many-proposals"
    words = Words(
        "มีคำขออนุมัติที่รอพิจารณาครบ {limit} รายการแล้ว โปรดพิจารณารายการเดิมก่อน",
        "{limit} proposals are waiting; decide some of them first",
    )
    limit: int
