"""The rules that a city begins with: rows of its pack, which untouched rules follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.api import Broker, Doc, iri
from andaman.city.pack import Pack
from andaman.city.seeding import Seed, digest_of_content, fill_in
from andaman.command.signals.rule_definitions import KIND, RuleRow, document_in, rule_id_of
from andaman.command.signals.rules import rule_doc
from andaman.form import Form
from andaman.identity.model import FULL_ACCESS

_OLDER: Final[Mapping[str, frozenset[str]]] = {
    code: frozenset({digest})
    for code, digest in (
        ("heavy-rain-24h", "0c5e6157baf5a6563ab6175ca2b2e463"),
        ("landslide-watch", "1937608d9ba515809e39a46fb495349e"),
        ("rain-burst", "2d7dd3f4cebfcf615554888e4603ad0c"),
        ("strong-wind", "6579b4f3b7a0498f158cf1f6e4aae39c"),
        ("tide-and-rain", "203dbfa336d6500bcf3b1a9793824ac6"),
        ("gauge-silent", "3678a68e196ad4bd4ad684a734636581"),
        ("bus-speeding", "3cf04680bad4045b1fa35527fbd75a91"),
        ("bus-standing", "c0d24e300cf09d8f068146cbd47c0795"),
        ("vehicle-outside", "3fee42a333a279c07628eeab93fbb1f8"),
        ("fatal-accident", "21a11e4bd9c00ffd8240a1027b00df42"),
        ("injury-accident", "afc795a7466ff08a9e362e84c811b595"),
    )
}
"""Rules that earlier releases installed in every city with a pack, without a marker."""


def seed_documents(pack: Pack) -> dict[str, dict[str, Any]]:
    """Code → document of each rule of the pack. Raises RowRefused for one that cannot be read: an error of the pack."""
    form = Form(RuleRow)
    rows = [form.json(form.read(raw)) for raw in pack.register(KIND)]
    return {row.pop("code"): row for row in rows}


async def follow_pack(broker: Broker, pack: Pack) -> None:
    """Bring rules that nobody edited to the pack's content."""
    documents = seed_documents(pack)

    def doc_of(code: str) -> Doc:
        one = documents[code]
        return rule_doc(rule_id_of(code), one["name"], one["definition"], one["enabled"])

    # in a city without a rule, nobody has deleted any
    installed = next(iter(broker.iter_entities([iri("AlertRule")], FULL_ACCESS)), None) is not None
    seed = Seed(
        KIND,
        pack.id,
        {code: digest_of_content(one) for code, one in documents.items()},
        rule_id_of,
        doc_of,
        lambda code, doc: digest_of_content(document_in(doc)),
        _OLDER if installed else {},
    )
    await fill_in(broker, seed)
