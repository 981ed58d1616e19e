"""Refusals of the live door to people whose screens ask for too much, with their words."""

from __future__ import annotations

from andaman.kernel.errors import TooManyRequests, Unavailable
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class PastBusy(Refusal, Unavailable):
    """Too many states of the past are read at this moment."""

    code = "past-busy"
    words = Words(
        "มีผู้ดูข้อมูลย้อนหลังพร้อมกันจำนวนมาก โปรดลองใหม่ในอีกสักครู่",
        "Too many states of the past are being read; try again in a moment",
    )


class AddressWatchesFull(Refusal, TooManyRequests):
    code = "address-watches-full"
    words = Words(
        "มีการติดตามข้อมูลเรียลไทม์จากที่อยู่เครือข่ายนี้ {count} รายการแล้ว โปรดปิดบางหน้าจอหรือเข้าสู่ระบบ",
        "There are {count} watches from this address already; end some, or sign in",
    )
    count: int


class SocketWatchesFull(Refusal, TooManyRequests):
    code = "socket-watches-full"
    words = Words(
        "หนึ่งการเชื่อมต่อติดตามข้อมูลเรียลไทม์ได้ไม่เกิน {most} รายการ", "One socket has at most {most} watches"
    )
    most: int
