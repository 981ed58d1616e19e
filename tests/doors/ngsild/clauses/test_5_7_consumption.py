"""CIM 009 V1.9.1 §5.7.1, §5.7.2 and the clauses of §4 that they use: retrieval, queries and their languages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

V = "urn:ngsi-ld:Vehicle:"
EVERY = ["1", "2", "3", "4", "5"]


def fleet() -> list[dict[str, Any]]:
    """Five vehicles: buses and a ferry on a line to the east, one of them without much."""
    day = "2026-01-0{}T12:00:00Z"
    found: list[dict[str, Any]] = [
        {
            "id": f"{V}{n}",
            "type": ["Bus", "Electric"] if n == 3 else "Ferry" if n == 4 else "Bus",
            "scope": [f"/city/line{n % 2}", "/public"] if n < 5 else "/city",
            "speed": {
                "type": "Property",
                "value": n * 10,
                "unitCode": "KMH",
                "observedAt": day.format(n),
                "accuracy": {"type": "Property", "value": n / 10},
            },
            "name": {"type": "LanguageProperty", "languageMap": {"en": f"bus {n}", "th": f"รถ {n}"}},
            "address": {"type": "Property", "value": {"city": {"name": "Phuket"}, "no": n}},
            "tags": {"type": "Property", "value": ["a", f"t{n}", n]},
            "owner": {
                "type": "Relationship",
                "object": f"urn:ngsi-ld:Company:{n % 2}",
                "objectType": "Company",
            },
            "state": {"type": "VocabProperty", "vocab": "moving" if n > 2 else "parked"},
            "open": {"type": "Property", "value": n % 2 == 0},
            "since": {"type": "Property", "value": {"@type": "DateTime", "@value": day.format(n)}},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [98.3 + n / 100, 7.9]},
            },
        }
        for n in range(1, 5)
    ]
    found.append({"id": f"{V}5", "type": "Bus", "scope": "/city", "bare": {"type": "Property", "value": "x"}})
    return found


COMPANIES = [
    {
        "id": f"urn:ngsi-ld:Company:{n}",
        "type": "Company",
        "name": name,
        "staff": {"type": "Property", "value": 10 + n},
    }
    for n, name in enumerate([{"type": "Property", "value": "Even"}, {"type": "Property", "value": "Odd"}])
]


@pytest.fixture(scope="module")
def city(_door: Any) -> Tenant:
    """The fleet and its owners, for all questions of this module."""
    tenant = Tenant(*_door)
    assert tenant("POST", "/entityOperations/create", fleet() + COMPANIES).status == 201
    return tenant


def ids(got: Any) -> list[str]:
    assert got.status == 200, got.body
    return [one["id"].removeprefix(V) for one in got.json]


def asked(text: str) -> str:
    """A parameter's value as it stands in a URL."""
    return "".join(f"%{ord(one):02X}" if one in '"#+%& ' else one for one in text)


# -- §4.9 --------------------------------------------------------------------------------------------------------
Q: list[tuple[str, list[str]]] = [
    ("speed", EVERY[:4]),
    ("!speed", ["5"]),
    ("speed==20", ["2"]),
    ("speed!=20", ["1", "3", "4"]),
    ("speed>20", ["3", "4"]),
    ("speed>=20;speed<40", ["2", "3"]),
    ("speed==10..30", ["1", "2", "3"]),
    ("speed!=10..30", ["4"]),
    ("speed==10,40", ["1", "4"]),
    ("speed<15|speed>35", ["1", "4"]),
    ("(speed<15|speed>35);open==true", ["4"]),
    ("speed<15|speed>35;open==true", ["1", "4"]),
    ("open==false", ["1", "3"]),
    ("speed.observedAt>2026-01-02T12:00:00Z", ["3", "4"]),
    ("speed.unitCode==\"KMH\"", EVERY[:4]),
    ("speed.accuracy>=0.3", ["3", "4"]),
    ("address[no]==2", ["2"]),
    ("address[city.name]==\"Phuket\"", EVERY[:4]),
    ("address[city.zip]", []),
    ("name[en]==\"bus 2\"", ["2"]),
    ("name[*]==\"รถ 3\"", ["3"]),
    ("name[fr]", []),
    ("tags==\"t2\"", ["2"]),
    ("tags==\"a\"", EVERY[:4]),
    ("tags==3", ["3"]),
    ("bare~=^x", ["5"]),
    ("bare!~=^x", []),
    ("name[en]~=bus [12]", ["1", "2"]),
    ("owner==urn:ngsi-ld:Company:1", ["1", "3"]),
    ("owner==\"urn:ngsi-ld:Company:0\"", ["2", "4"]),
    ("speed==\"20\"", []),
    ("bare>5", []),
    ("none==1", []),
    ("none!=1", []),
    ("since>2026-01-02T12:00:00Z", ["3", "4"]),
    ("createdAt>2000-01-01T00:00:00Z;bare", ["5"]),
    ("speed.createdAt>2000-01-01T00:00:00Z", EVERY[:4]),
]  # fmt: skip


@pytest.mark.parametrize(("q", "wanted"), Q)
def test_4_9_query_language(city: Tenant, q: str, wanted: list[str]) -> None:
    """§4.9: each operator, path and kind of value; missing attributes match nothing but ``!``; by GET and by POST."""
    assert ids(city("GET", f"/entities?type=Bus,Ferry&q={asked(q)}")) == wanted
    query = {"type": "Query", "entities": [{"type": "Bus"}, {"type": "Ferry"}], "q": q}
    assert ids(city("POST", "/entityOperations/query", query)) == wanted


@pytest.mark.parametrize(
    "q",
    ["speed=", "speed==", "speed=>1", "(speed", "speed)", "speed;", "|a", "a[", 'a=="', "a~=(", "1a", "a;;b"],
)
def test_4_9_what_is_no_query_is_bad_request_data_with_its_place(city: Tenant, q: str) -> None:
    """§4.9, §5.5.6: BadRequestData naming ``q``, wherever a q is taken."""
    place = asked(q)
    for path in (
        f"/entities?type=Bus&q={place}",
        f"/temporal/entities?type=Bus&timerel=before&timeAt=2030-01-01T00:00:00Z&q={place}",
    ):
        got = city("GET", path)
        assert error(got) == "BadRequestData"
        assert got.json["field"] == "q"
    query = {"type": "Query", "entities": [{"type": "Bus"}], "q": q}
    assert error(city("POST", "/entityOperations/query", query)) == "BadRequestData"
    subscription = {
        "type": "Subscription",
        "entities": [{"type": "Bus"}],
        "q": q,
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
    }
    assert error(city("POST", "/subscriptions", subscription)) == "BadRequestData"


def test_4_9_expand_values_and_vocabularies(city: Tenant) -> None:
    """§4.9, §6.4.3.2: terms of a vocabulary are compared expanded where expandValues names the attribute."""
    assert ids(city("GET", "/entities?type=Bus,Ferry&q=state==%22moving%22&expandValues=state")) == ["3", "4"]


# -- §4.10 -------------------------------------------------------------------------------------------------------
BOX = "[[[98.315,7.8],[98.335,7.8],[98.335,8],[98.315,8],[98.315,7.8]]]"
GEO: list[tuple[str, str, str, list[str]]] = [
    ("near;maxDistance==1200", "Point", "[98.31,7.9]", ["1", "2"]),
    ("near;maxDistance==1", "Point", "[98.31,7.9]", ["1"]),
    ("near;minDistance==2000", "Point", "[98.31,7.9]", ["3", "4"]),
    ("within", "Polygon", BOX, ["2", "3"]),
    ("intersects", "Polygon", BOX, ["2", "3"]),
    ("disjoint", "Polygon", BOX, ["1", "4"]),
    ("overlaps", "Polygon", BOX, []),
    ("equals", "Point", "[98.32,7.9]", ["2"]),
    ("contains", "Point", "[98.32,7.9]", ["2"]),
    ("intersects", "LineString", "[[98.31,7.9],[98.33,7.9]]", ["1", "2", "3"]),
    ("within", "MultiPolygon", f"[{BOX}]", ["2", "3"]),
]


@pytest.mark.parametrize(("georel", "geometry", "coordinates", "wanted"), GEO)
def test_4_10_geoqueries(
    city: Tenant, georel: str, geometry: str, coordinates: str, wanted: list[str]
) -> None:
    """§4.10: each relation; entities without the GeoProperty match none."""
    geo = f"georel={georel}&geometry={geometry}&coordinates={coordinates}"
    assert ids(city("GET", f"/entities?type=Bus,Ferry&{geo}")) == wanted
    assert ids(city("GET", f"/entities?type=Bus,Ferry&{geo}&geoproperty=location")) == wanted
    assert ids(city("GET", f"/entities?type=Bus,Ferry&{geo}&geoproperty=elsewhere")) == []


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("georel=near;maxDistance==5&geometry=Point", "coordinates"),
        ("georel=near;maxDistance==5&coordinates=[1,1]", "geometry"),
        ("geometry=Point&coordinates=[1,1]", "georel"),
        ("georel=touches&geometry=Point&coordinates=[1,1]", "georel"),
        ("georel=near&geometry=Point&coordinates=[1,1]", "georel"),
        ("georel=near;maxDistance==-1&geometry=Point&coordinates=[1,1]", "georel"),
        ("georel=within&geometry=Circle&coordinates=[1,1]", "geometry"),
        ("georel=within&geometry=Point&coordinates=[1", "coordinates"),
        ("georel=within&geometry=Point&coordinates=[1,100]", "coordinates"),
        ("georel=within&geometry=Polygon&coordinates=[[[0,0],[1,1],[0,0]]]", "coordinates"),
    ],
)
def test_4_10_what_is_no_geoquery_is_bad_request_data(city: Tenant, bad: str, field: str) -> None:
    """§4.10, §5.7.2.4: BadRequestData, with the parameter that is wrong or missing."""
    got = city("GET", f"/entities?type=Bus&{bad}")
    assert (error(got), got.json.get("field")) == ("BadRequestData", field)


# -- §4.17, §4.19 ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        ("Bus", ["1", "2", "3", "5"]),
        ("Ferry", ["4"]),
        ("Bus,Ferry", EVERY),
        ("Bus|Ferry", EVERY),
        ("Bus;Electric", ["3"]),
        ("(Bus;Electric),Ferry", ["3", "4"]),
        ("(Bus,Ferry);Electric", ["3"]),
        ("Train", []),
        ("https://uri.etsi.org/ngsi-ld/default-context/Ferry", ["4"]),
    ],
)
def test_4_17_type_selection(city: Tenant, types: str, wanted: list[str]) -> None:
    """§4.17: alternatives by , or |, conjunctions by ;, groups; names are expanded (§5.5.7)."""
    assert ids(city("GET", f"/entities?type={types}")) == wanted


@pytest.mark.parametrize("types", ["", ",", "Bus;", "(Bus", "Bus)", "Bus Ferry", "Bus;;Ferry"])
def test_4_17_what_selects_no_type_is_bad_request_data(city: Tenant, types: str) -> None:
    got = city("GET", f"/entities?type={asked(types)}")
    assert (error(got), got.json.get("field")) == ("BadRequestData", "type")


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ("/city", ["5"]),
        ("/city/#", EVERY),
        ("/city/line1", ["1", "3"]),
        ("/city/+", EVERY[:4]),
        ("/+/line0", ["2", "4"]),
        ("/public;/city/line1", ["1", "3"]),
        ("/city/line1,/city/line0", EVERY[:4]),
        ("(/city/line1|/city/line0);/public", EVERY[:4]),
        ("/#", EVERY),
        ("/nowhere", []),
    ],
)
def test_4_19_scope_queries(city: Tenant, scope: str, wanted: list[str]) -> None:
    """§4.19: levels, + for one level, # for all below, and, or."""
    assert ids(city("GET", f"/entities?type=Bus,Ferry&scopeQ={scope.replace('#', '%23')}")) == wanted


@pytest.mark.parametrize("scope", ["/", "/a//b", "/a/#/b", "/a;", "(/a", "/a b"])
def test_4_19_what_is_no_scope_query_is_bad_request_data(city: Tenant, scope: str) -> None:
    got = city("GET", f"/entities?type=Bus&scopeQ={asked(scope)}")
    assert (error(got), got.json.get("field")) == ("BadRequestData", "scopeQ")


# -- §5.7.1 ------------------------------------------------------------------------------------------------------
def test_5_7_1_retrieve_entity(city: Tenant) -> None:
    """§5.7.1.4: the entity; ResourceNotFound where it is not, or has none of the attributes; BadRequestData for no URI."""
    whole = city.json(f"/entities/{V}1")
    assert whole == fleet()[0]
    assert city.json(f"/entities/{V}1?attrs=speed,nothing").keys() == {"id", "type", "scope", "speed"}
    assert error(city("GET", f"/entities/{V}9")) == "ResourceNotFound"
    assert error(city("GET", f"/entities/{V}1?attrs=nothing")) == "ResourceNotFound"
    assert error(city("GET", f"/entities/{V}1?type=Ferry")) == "ResourceNotFound"
    assert error(city("GET", "/entities/bus")) == "BadRequestData"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("pick=id,speed", {"id", "speed"}),
        ("pick=speed", {"speed"}),
        ("pick=type,scope", {"type", "scope"}),
        ("pick=id,type,scope", {"id", "type", "scope"}),
        ("omit=speed,name,address,tags,owner,state,open,since,location", {"id", "type", "scope"}),
        (
            "omit=id,type",
            {"scope", "speed", "name", "address", "tags", "owner", "state", "open", "since", "location"},
        ),
    ],
)
def test_4_21_projection(city: Tenant, query: str, wanted: set[str]) -> None:
    """§4.21: pick and omit name members of the entity, id, type and scope too."""
    assert city.json(f"/entities/{V}1?{query}").keys() == wanted
    assert city.json(f"/entities?type=Bus&id={V}1&{query}")[0].keys() == wanted


@pytest.mark.parametrize(
    "query", ["pick=", "omit=,", "pick=a&omit=a", "pick=a&attrs=a", "pick=a{b", "omit=a}", "pick=no(name"]
)
def test_4_21_what_projects_nothing_is_bad_request_data(city: Tenant, query: str) -> None:
    assert error(city("GET", f"/entities/{V}1?{query}")) == "BadRequestData"


def test_4_5_representations(city: Tenant) -> None:
    """§4.5.2–4.5.4, §4.5.16, §6.3.7: normalized, concise, simplified, GeoJSON; the last of format and options."""
    path = f"/entities/{V}1?pick=speed,name,owner,state,open"
    assert city.json(path + "&format=normalized") == city.json(path)
    concise = city.json(path + "&format=concise")
    assert concise["open"] is False or concise["open"] == {"value": False}
    assert "type" not in concise["speed"]
    assert concise["owner"] == {"object": "urn:ngsi-ld:Company:1", "objectType": "Company"}
    for form in ("format=simplified", "options=keyValues", "format=keyValues", "options=simplified"):
        assert city.json(f"{path}&{form}") == {
            "speed": 10,
            "name": {"languageMap": {"en": "bus 1", "th": "รถ 1"}},
            "owner": "urn:ngsi-ld:Company:1",
            "state": {"vocab": "parked"},
            "open": False,
        }, form
    feature = city.json(f"/entities/{V}1?pick=id,type,speed,location", accept="application/geo+json")
    assert feature["type"] == "Feature"
    assert (feature["id"], feature["geometry"]["type"]) == (f"{V}1", "Point")
    assert feature["properties"]["type"] == "Bus"
    assert feature["properties"]["speed"]["value"] == 10
    other = city.json(f"/entities/{V}5?geometryProperty=location", accept="application/geo+json")
    assert other["geometry"] is None


def test_4_8_system_attributes(city: Tenant) -> None:
    """§4.8, §6.3.11: createdAt and modifiedAt of entity, attribute and sub-attribute with sysAttrs only."""
    plain, full = city.json(f"/entities/{V}1"), city.json(f"/entities/{V}1?options=sysAttrs")
    assert "createdAt" not in str(plain)
    for one in (full, full["speed"], full["speed"]["accuracy"], full["owner"]):
        assert one["createdAt"] == one["modifiedAt"]
        assert one["createdAt"].endswith("Z")


def test_4_15_language_filter(city: Tenant) -> None:
    """§4.15: the first language of the list that there is, told by lang; any other where there is none of them."""
    for languages, text, tag in (
        ("th", "รถ 1", "th"),
        ("fr,en", "bus 1", "en"),
        ("fr;q=0.9,th;q=0.1", "รถ 1", "th"),
    ):
        name = city.json(f"/entities/{V}1?lang={languages}")["name"]
        assert (name["type"], name["value"], name["lang"]) == ("Property", text, tag), languages
    assert city.json(f"/entities/{V}1?lang=th&format=simplified")["name"] == "รถ 1"
    assert city.json(f"/entities/{V}1?lang=xx")["name"]["value"]


def test_4_5_23_linked_entity_retrieval(city: Tenant) -> None:
    """§4.5.23: inline and flat, as deep as joinLevel says; without join the object only."""
    inline = city.json(f"/entities/{V}1?join=inline")["owner"]
    assert inline["entity"]["id"] == "urn:ngsi-ld:Company:1"
    flat = city.json(f"/entities/{V}1?join=flat")
    assert [one["id"] for one in flat] == [f"{V}1", "urn:ngsi-ld:Company:1"]
    assert "entity" not in city.json(f"/entities/{V}1?join=@none")["owner"]
    assert ids(city("GET", "/entities?type=Bus&join=inline&q=owner{staff}>=11")) == ["1", "3"]
    for bad in ("join=up", "join=inline&joinLevel=0", "join=inline&joinLevel=x", "joinLevel=2"):
        assert error(city("GET", f"/entities/{V}1?{bad}")) == "BadRequestData", bad


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("speed", ["1", "2", "3", "4", "5"]),
        ("speed;desc", ["4", "3", "2", "1", "5"]),
        ("id;desc", ["5", "4", "3", "2", "1"]),
        ("open,speed;desc", ["3", "1", "4", "2", "5"]),
        ("address[no];desc", ["4", "3", "2", "1", "5"]),
        ("speed.observedAt;desc", ["4", "3", "2", "1", "5"]),
        ("location;dist-asc&orderFrom=[98.33,7.9]", ["3", "2", "4", "1", "5"]),
    ],
)
def test_4_23_ordering(city: Tenant, order: str, wanted: list[str]) -> None:
    """§4.23: ascending and descending, several keys, distance; entities without the value come last."""
    got = ids(city("GET", f"/entities?type=Bus,Ferry&orderBy={order}"))
    if "dist" in order:  # two at the same distance
        assert (got[0], set(got[1:3]), got[3:]) == (wanted[0], set(wanted[1:3]), wanted[3:])
    elif order in ("speed;desc", "address[no];desc", "speed.observedAt;desc"):
        assert [one for one in got if one != "5"] == wanted[:4]
    else:
        assert got == wanted


# -- §5.7.2 ------------------------------------------------------------------------------------------------------
def test_5_7_2_query_entities_needs_something_to_go_by(city: Tenant) -> None:
    """§5.7.2.4: too wide without a type, an attribute, a q, a geoQ (or local): BadRequestData."""
    for wide in ("", "?limit=3", f"?id={V}1", "?idPattern=.*", "?scopeQ=/city", "?lang=en"):
        assert error(city("GET", f"/entities{wide}")) == "BadRequestData", wide
    for enough in (
        "?type=Bus",
        "?attrs=speed",
        "?q=speed",
        "?type=*",
        "?local=true",
        "?georel=near;maxDistance==9&geometry=Point&coordinates=[0,0]",
    ):
        assert city("GET", f"/entities{enough}").status == 200, enough
    assert ids(city("GET", f"/entities?type=Bus&id={V}1,{V}5,{V}9")) == ["1", "5"]
    assert ids(city("GET", "/entities?type=Bus&idPattern=[12]$")) == ["1", "2"]
    assert ids(city("GET", "/entities?type=Bus&attrs=bare,nothing")) == ["5"]
    assert error(city("GET", "/entities?type=Bus&id=bus")) == "BadRequestData"
    assert error(city("GET", "/entities?type=Bus&idPattern=(")) == "BadRequestData"


def test_4_12_pages_and_4_13_count(city: Tenant) -> None:
    """§4.12, §4.13, §6.3.10, §6.3.13: limit, offset, Link to the next and the previous page, the count of all."""
    collected, offset = [], 0
    while True:
        got = city("GET", f"/entities?type=Bus,Ferry&limit=2&offset={offset}&count=true")
        collected += ids(got)
        assert got.headers["ngsild-results-count"] == "5"
        link = got.headers.get("link", "")
        assert ('rel="prev"' in link) == (offset > 0)
        if 'rel="next"' not in link:
            break
        offset += 2
    assert collected == EVERY
    none = city("GET", "/entities?type=Bus&limit=0&count=true")
    assert (none.json, none.headers["ngsild-results-count"]) == ([], "4")
    assert "ngsild-results-count" not in city("GET", "/entities?type=Bus").headers
    for bad in ("limit=0", "limit=-1", "limit=x", "offset=-1", "offset=x", "count=maybe"):
        assert error(city("GET", f"/entities?type=Bus&{bad}")) == "BadRequestData", bad
    assert error(city("GET", "/entities?type=Bus&limit=1000000")) == "TooManyResults"


def test_5_2_23_query_by_post(city: Tenant) -> None:
    """§5.2.23, §6.23: every member of the Query data type; what is none is BadRequestData with its name."""

    def ask(parameters: str = "", **members: Any) -> Any:
        return city("POST", f"/entityOperations/query{parameters}", {"type": "Query", **members})

    bus = [{"type": "Bus"}]
    assert ids(ask(entities=[{"type": "Bus", "id": f"{V}1"}, {"type": "Ferry"}])) == ["1", "4"]
    assert ids(ask(entities=[{"type": "Bus", "idPattern": "[35]$"}])) == ["3", "5"]
    assert ids(ask(entities=bus, scopeQ="/city/line1", q="speed>10")) == ["3"]
    geo = {"georel": "near;maxDistance==1200", "geometry": "Point", "coordinates": [98.31, 7.9]}
    assert ids(ask(geoQ=geo)) == ["1", "2"]
    assert [one.keys() for one in ask(entities=bus, pick=["id", "speed"], q="speed==10").json] == [
        {"id", "speed"}
    ]
    assert "speed" not in ask(entities=bus, omit=["speed"], q="speed==10").json[0]
    assert ids(ask("?limit=1&offset=1&count=true", entities=bus)) == ["2"]
    assert ids(ask(entities=bus, ordering={"orderBy": ["speed;desc"]}, q="speed")) == ["3", "2", "1"]
    assert ask("?options=keyValues", entities=bus, q="speed==10", lang="th").json[0]["name"] == "รถ 1"
    for bad in (
        {"entities": bus, "nonsense": 1},
        {"entities": []},
        {"entities": {"type": "Bus"}},
        {"entities": [{"id": "bus", "type": "Bus"}]},
        {"entities": bus, "q": 5},
        {"entities": bus, "geoQ": {"georel": "near"}},
        {"entities": bus, "scopeQ": 1},
        {"entities": bus, "ordering": []},
        {},
    ):
        assert error(ask(**bad)) == "BadRequestData", bad  # type: ignore[arg-type]
    assert (
        error(city("POST", "/entityOperations/query", {"type": "Entity", "entities": bus}))
        == "BadRequestData"
    )


# -- §5.7.5–5.7.10 -----------------------------------------------------------------------------------------------
def test_5_7_5_and_5_7_6_available_types(city: Tenant) -> None:
    """§5.7.5, §5.7.6, §4.5.9, §4.5.10: names of types, and with details their attributes."""
    found = city.json("/types")
    assert (found["type"], sorted(found["typeList"])) == (
        "EntityTypeList",
        ["Bus", "Company", "Electric", "Ferry"],
    )
    details = {one["typeName"]: one for one in city.json("/types?details=true")}
    assert details["Ferry"]["type"] == "EntityType"
    assert set(details["Company"]["attributeNames"]) == {"name", "staff"}


def test_5_7_7_available_type_information(city: Tenant) -> None:
    """§5.7.7, §4.5.11: count, attributes and their kinds; ResourceNotFound for none."""
    info = city.json("/types/Bus")
    assert (info["type"], info["typeName"], info["entityCount"]) == ("EntityTypeInfo", "Bus", 4)
    kinds = {one["attributeName"]: one["attributeTypes"] for one in info["attributeDetails"]}
    assert (kinds["speed"], kinds["owner"], kinds["state"]) == (
        ["Property"],
        ["Relationship"],
        ["VocabProperty"],
    )
    assert error(city("GET", "/types/Train")) == "ResourceNotFound"


def test_5_7_8_to_5_7_10_available_attributes(city: Tenant) -> None:
    """§5.7.8–5.7.10, §4.5.12–4.5.14: names, with details their types; one attribute's kinds and count."""
    found = city.json("/attributes")
    assert found["type"] == "AttributeList"
    assert {"speed", "owner", "staff", "bare"} <= set(found["attributeList"])
    details = {one["attributeName"]: one for one in city.json("/attributes?details=true")}
    assert set(details["name"]["typeNames"]) == {"Bus", "Company", "Electric", "Ferry"}
    one = city.json("/attributes/name")
    assert (one["type"], one["attributeCount"]) == ("Attribute", 6)
    assert set(one["attributeTypes"]) == {"LanguageProperty", "Property"}
    assert error(city("GET", "/attributes/none")) == "ResourceNotFound"
