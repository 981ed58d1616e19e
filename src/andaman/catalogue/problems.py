"""What the catalogue refuses to people, with its words."""

from __future__ import annotations

from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class NoSuchDataset(Refusal, ResourceNotFound):
    """Also for an entry that the reader may not see."""

    code = "no-such-dataset"
    words = Words("ไม่มีชุดข้อมูล {id} ในบัญชีข้อมูล", "There is no dataset {id} in the catalogue")
    id: str
