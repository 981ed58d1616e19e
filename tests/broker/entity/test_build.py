"""Short names in, stored form out, and the live form of screens."""

from andaman.broker.entity import build
from andaman.broker.model import DEFAULT_VOCAB, LOCATION


def test_short_inverts_iri_for_every_term_of_the_city_context() -> None:
    for term in build._TERMS:
        assert build.iri(build.short(build.iri(term))) == build.iri(term)


def test_core_terms_and_unknown_names() -> None:
    assert build.iri("location") == LOCATION
    assert build.iri("nobodyKnowsThis") == DEFAULT_VOCAB + "nobodyKnowsThis"
    assert build.short(DEFAULT_VOCAB + "nobodyKnowsThis") == "nobodyKnowsThis"
    assert build.iri("urn:x:y") == "urn:x:y"


def test_entity_value_observed_and_live_form() -> None:
    doc = build.entity(
        "urn:ngsi-ld:PointOfInterest:1",
        ["PointOfInterest", "Hospital"],
        scope=["/place/health"],
        name=build.lang(th="โรงพยาบาล", en="Hospital"),
        speed=build.prop(31.5, observed_at=1_000_000, unit="KMH"),
        location=build.geo({"type": "Point", "coordinates": [98.3, 7.9]}),
        refRoute=build.rel("urn:ngsi-ld:Route:1"),
        category=build.vocab("Hospital"),
    )
    assert build.value(doc, "speed") == 31.5
    assert build.value(doc, "bearing", 7) == 7
    assert build.observed(doc, "speed") == 1_000_000
    assert build.observed(doc, "name") is None
    live = build.simplify(doc)
    assert live["type"] == "Hospital"
    assert live["s"] == ["/place/health"]
    assert set(live["types"]) == {"Hospital", "PointOfInterest"}
    assert live["a"]["category"] == "Hospital"
    assert live["a"]["name"]["en"] == "Hospital"
    assert live["t"] == {"speed": "1970-01-01T00:00:01.000000Z"}
