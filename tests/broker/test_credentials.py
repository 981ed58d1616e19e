"""Laws of credentials in documents: on disk no text of them is left, in memory they are as they were given, whatever the key does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.credentials import (
    REGISTRATION,
    SNAPSHOT,
    SOURCE_SUBSCRIPTION,
    SUBSCRIPTION,
    Credentials,
    Locked,
    Place,
    references_in,
    resealed,
    sealed_in,
)
from andaman.kernel.secrets import LOCKED, Secrets

MARK = "MARK77"
HARMLESS = st.sampled_from(["accept", "Prefer", "MQTT-QoS", "jsonldContext", "Content-Type", "ngsild-tenant"])
SECRET_KEYS = ["Authorization", "X-Key"]
VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: MARK + text),
    st.sampled_from(["secret:partner", "Bearer secret:p.2", "urn:ngsi-ld:request", "", LOCKED]),
)
PAIR = st.one_of(
    st.fixed_dictionaries({"key": st.sampled_from(SECRET_KEYS), "value": VALUES}),
    st.fixed_dictionaries({"key": HARMLESS, "value": st.sampled_from(["1", "application/json"])}),
)
PAIRS = st.lists(PAIR, max_size=4)
ADDRESSES = st.sampled_from(
    [f"mqtt://u:{MARK}@h:1/t", f"mqtts://u:{MARK}@x@h/t:1", f"mqtt://:{MARK}@h/t", "mqtt://u:secret:bus@h/t", "mqtt://u@h/t",
     "https://h/p?a=b:c@d", "mqtt://u:@h/t"]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> tuple[Place, dict[str, Any]]:
    place = draw(st.sampled_from([SUBSCRIPTION, SOURCE_SUBSCRIPTION, REGISTRATION, SNAPSHOT]))
    holder: dict[str, Any] = {place.address: draw(ADDRESSES), "other": draw(st.integers(0, 9))}
    for name in draw(st.sets(st.sampled_from(["receiverInfo", "notifierInfo", "contextSourceInfo"]))):
        holder[name] = draw(PAIRS)
    document: dict[str, Any] = holder
    for name in reversed(place.path):
        document = {name: document, "beside": draw(st.text(max_size=5))}
    return place, document


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Secrets, Secrets]]:
    """The right key, and another one."""
    folder: Path = tmp_path_factory.mktemp("keys")
    found = Secrets(folder / "a"), Secrets(folder / "b")
    for one in found:
        one.seal("x", "y")
    yield found
    for one in found:
        one.close()


def secret_texts(place: Place, document: dict[str, Any]) -> list[str]:
    for name in place.path:
        document = document[name]
    pairs = [
        pair
        for name in ("receiverInfo", "notifierInfo", "contextSourceInfo")
        for pair in document.get(name, ())
    ]
    return [pair["value"] for pair in pairs if pair["key"] in SECRET_KEYS and MARK in pair["value"]]


@settings(deadline=None)
@given(documents())
def test_sealed_on_disk_and_as_it_was_given_in_memory(
    keys: tuple[Secrets, Secrets], made: tuple[Place, dict[str, Any]]
) -> None:
    (place, document), (secrets, other) = made, keys
    given_as = copy.deepcopy(document)
    credentials = Credentials(secrets, place)
    disk = orjson.dumps(credentials.sealed(document))
    assert document == given_as
    assert MARK.encode() not in disk
    stored = orjson.loads(disk)
    assert not credentials.is_plain(stored)
    assert credentials.opened(stored) == document
    assert credentials.is_plain(document) == bool(sealed_in(stored, place))
    assert references_in(stored, place) == references_in(document, place)

    again = resealed(
        stored, place, lambda token, purpose: other.seal(secrets.unseal(token, purpose), purpose)
    )
    assert Credentials(other, place).opened(again) == document

    locked = Credentials(other, place).opened(stored)  # with another key
    assert orjson.loads(orjson.dumps(Credentials(other, place).sealed(locked))) == stored
    assert (LOCKED.encode() in orjson.dumps(locked)) >= bool(sealed_in(stored, place))
    assert references_in(locked, place) == references_in(document, place)


def test_without_secrets_a_document_stays_as_it_is(keys: tuple[Secrets, Secrets]) -> None:
    document = {"contextSourceInfo": [{"key": "X-Key", "value": MARK}], "endpoint": "http://h"}
    bare = Credentials(None, REGISTRATION)
    assert bare.sealed(document) == bare.opened(document) == document
    assert not bare.is_plain(document)
    stored = Credentials(keys[0], REGISTRATION).sealed(document)
    shown = bare.opened(stored)["contextSourceInfo"][0]["value"]
    assert isinstance(shown, Locked)
    assert shown == LOCKED
