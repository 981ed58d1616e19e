"""Context processing agrees with PyLD (the oracle), and refuses what it must."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyld import jsonld

from andaman.broker.contexts import CORE_URL, Context
from andaman.broker.contexts.bundled import bundled_document, bundled_urls, core_document
from andaman.broker.contexts.process import build_context
from andaman.broker.model import DEFAULT_VOCAB, LOCATION
from andaman.kernel.errors import BadRequestData, LdContextNotAvailable

CORE = core_document()["@context"]


def refuse(url: str) -> Any:
    document = bundled_document(url)
    if document is None:
        raise LdContextNotAvailable(url)
    return document


def build(source: Any) -> Context:
    return build_context(source, refuse, CORE, CORE_URL)


def oracle_iri(source: list[Any], name: str) -> str | None:
    """The IRI that PyLD gives a property name under ``source`` + core."""

    def loader(url: str, options: Any = None) -> Any:
        return {"contextUrl": None, "documentUrl": url, "document": refuse(url)}

    document = {"@context": [*source, CORE], name: [{"@id": "urn:x:y"}]}
    expanded = jsonld.expand(document, {"documentLoader": loader, "base": ""})
    for one in expanded:
        for key in one:
            return str(key)
    return None


TERMS = st.sampled_from(["a", "bb", "speed", "ex", "other", "zed", "location", "x_1"])
IRIS = st.sampled_from(
    [
        "http://ex.org/",
        "http://ex.org/v#",
        "urn:my:ns:",
        "http://ex.org/speed",
        "ex:speed",
        "other:q",
        "speed",
        "a",
    ]
)
DEFINITION = st.one_of(
    IRIS,
    IRIS.map(lambda iri: {"@id": iri}),
    IRIS.map(lambda iri: {"@id": iri, "@prefix": True}),
    IRIS.map(lambda iri: {"@id": iri, "@type": "@vocab"}),
    st.none(),
)
CONTEXTS = st.fixed_dictionaries(
    {}, optional={"@vocab": st.sampled_from(["http://v.org/", "urn:v:"]), "@version": st.just(1.1)}
).flatmap(lambda head: st.dictionaries(TERMS, DEFINITION, max_size=5).map(lambda body: {**head, **body}))
NAMES = st.one_of(TERMS, st.sampled_from(["ex:foo", "other:bar", "http://z.org/q", "urn:my:ns:t", "unknown"]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CONTEXTS, min_size=1, max_size=2), NAMES)
def test_expansion_equals_pyld(source: list[dict[str, Any]], name: str) -> None:
    """Where PyLD gives a property an IRI, so do we, and the same; where it refuses the context, we refuse too."""
    try:
        wanted = oracle_iri(source, name)
    except jsonld.JsonLdError:
        with pytest.raises(BadRequestData):
            build(source)
        return
    context = build(source)
    if wanted is None:
        with pytest.raises(BadRequestData):
            context.expand_term(name)
    else:
        assert context.expand_term(name) == wanted


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CONTEXTS, min_size=1, max_size=2), NAMES)
def test_compaction_is_undone_by_expansion(source: list[dict[str, Any]], name: str) -> None:
    try:
        context = build(source)
        iri = context.expand_term(name)
    except BadRequestData:
        return
    assert context.expand_term(context.compact_iri(iri)) == iri


@pytest.mark.parametrize(
    "url", [url for url in bundled_urls() if "IssueTracking" not in url]
)  # breaks JSON-LD
def test_every_bundled_context_agrees_with_pyld_on_every_term(url: str) -> None:
    context = build(url)
    document = bundled_document(url)
    assert document is not None
    names = [
        name
        for name, value in document["@context"].items()
        if name[0] != "@" and isinstance(value, str) and value[0] != "@"
    ]

    def loader(asked: str, options: Any = None) -> Any:
        return {"contextUrl": None, "documentUrl": asked, "document": refuse(asked)}

    page = {"@context": [url, CORE], **{name: {"@id": f"urn:x:{name}"} for name in names}}
    expanded = jsonld.expand(page, {"documentLoader": loader})[0]
    wanted = {value["@id"]: iri for iri, values in expanded.items() for value in values if iri[0] != "@"}
    for name in names:
        if name.isidentifier():
            assert context.iris[name] == wanted[f"urn:x:{name}"]


def test_4_4_the_core_context_cannot_be_redefined() -> None:
    context = build([CORE_URL, {"location": "http://ex.org/loc", "Property": "http://ex.org/P"}])
    assert context.expand_term("location") == LOCATION
    assert context.compact_iri(LOCATION) == "location"


def test_5_5_5_names_fall_to_the_default_vocabulary_and_come_back() -> None:
    context = build(None)
    assert context.expand_term("Vehicle") == DEFAULT_VOCAB + "Vehicle"
    assert context.compact_iri(DEFAULT_VOCAB + "Vehicle") == "Vehicle"
    assert context.compact_iri("http://elsewhere.org/Vehicle") == "http://elsewhere.org/Vehicle"


@pytest.mark.parametrize(
    "source",
    [
        {"a": "b:c", "b": "a:d"},
        {"a": {"@id": "http://x.org/a", "@context": {}}},
        {"a": 5},
        {"": "http://x.org/"},
        {"@id": "http://x.org/"},
        {"a": {"@id": 7}},
        {"a": {"@id": "http://x.org/", "@nonsense": 1}},
        {"@vocab": 5},
        {"@version": 1.0},
        [[5]],
        "not a url",
        "file:///etc/passwd",
        {f"t{i}": {"@id": f"t{i + 1}:x"} for i in range(200)},
        {"a0": "http://x/"}
        | {f"a{i}": {"@id": f"a{i - 1}:{'y' * 500}", "@prefix": True} for i in range(1, 30)},
    ],
)
def test_5_5_7_broken_contexts_are_bad_request_data(source: Any) -> None:
    with pytest.raises(BadRequestData):
        build(source)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["@id", "@vocab", "a:b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@id", "@type", "@vocab", "@context", "@import", "a", "b", "a:b"]), inner
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_json_is_a_context_or_a_clear_error(source: Any) -> None:
    with contextlib.suppress(BadRequestData, LdContextNotAvailable):
        build(source)
