"""Questions to every door, made by a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from tests.identity.hidden_world import LD, MIXED, OPEN, SECRET, STRANGE, thing

Question = tuple[str, str, str, Any, dict[str, str]]
"""Principal, method, path, body, headers."""
IDS = [
    *(f"urn:x:open:{n}" for n in range(10)),
    *STRANGE,
    "urn:x:nothing",
    "urn:x:secret:past",
    "urn:x:open:t2",
    "urn:x:other",
]
TYPES = [OPEN, OPEN, MIXED, SECRET, "HushType", f"{OPEN},{SECRET}", f"({OPEN};{SECRET})", "Dataset", "*"]
ATTRS = ["level", "name", "secretNote", "driver", "location", "near", "hushAttr", "scope"]
Q = [
    "level>2", "level==3|secretNote", "secretNote", "!secretNote", "driver", "!driver", 'modifiedAt>"2026-11-20T08:00:20Z"',
    'modifiedAt<"2026-11-20T08:00:40Z"', 'modifiedAt>"2026-11-20T08:01:00Z"', "near.level", "level.observedAt",
    'secretNote.modifiedAt>"2026-11-20T08:00:00Z"', 'createdAt>"2026-11-20T08:00:10Z"', "!hushAttr", "name~=gauge.*",
]  # fmt: skip
WHEN = [
    "2026-11-20T07:00:00Z",
    "2026-11-20T08:00:15Z",
    "2026-11-20T08:00:30Z",
    "2026-11-20T08:01:00Z",
    "2026-11-20T08:02:00Z",
    "2026-11-20T09:00:00Z",
]
BODY = {"type": "Property", "value": 1}


def _some(rng: random.Random, **choices: list[str]) -> str:
    """Some of these parameters, each with one of its values."""
    chosen = [name for name in choices if rng.random() < 0.4]
    return "&".join(f"{name.rstrip('_')}={quote(rng.choice(choices[name]), safe='')}" for name in chosen)


def _entities(rng: random.Random) -> tuple[str, str, Any]:
    given = _some(
        rng, q=Q, attrs=ATTRS, options=["sysAttrs", "keyValues", "sysAttrs,concise", "count"], orderBy=["modifiedAt", "createdAt", "level", "secretNote", "id"],
        limit=["1", "3", "20"], offset=["0", "1", "4"], count=["true"], scopeQ=["/port", "/navy/#", "/#"], pick=["id,level", "secretNote", "id,modifiedAt", "driver,name"],
        omit=["level", "secretNote"], geometryProperty=["location"], format=["simplified", "concise"], local=["true"],
    )  # fmt: skip
    if rng.random() < 0.25:
        given += "&georel=near;maxDistance==5000&geometry=Point&coordinates=[98.32,7.9]"
    if rng.random() < 0.15:
        given += "&join=inline&joinLevel=1"
    what = rng.choice(
        [f"type={rng.choice(TYPES)}"] * 3
        + [
            f"id={rng.choice(IDS)},{rng.choice(IDS)}",
            f"attrs={rng.choice(ATTRS)}",
            "idPattern=urn:x:.*",
            f"q={rng.choice(Q)}",
        ]
    )
    return "GET", f"{LD}/entities?{what}&{given}", None


def _entity(rng: random.Random) -> tuple[str, str, Any]:
    given = _some(
        rng,
        attrs=ATTRS,
        options=["sysAttrs", "keyValues", "sysAttrs,concise"],
        pick=["level", "modifiedAt"],
        type=[OPEN, SECRET],
    )
    return "GET", f"{LD}/entities/{rng.choice(IDS)}?{given}", None


def _temporal(rng: random.Random) -> tuple[str, str, Any]:
    given = _some(
        rng, q=Q[:6], attrs=ATTRS[:7], options=["sysAttrs", "temporalValues", "sysAttrs,temporalValues", "aggregatedValues"], lastN=["1", "2"], count=["true"],
        limit=["1", "3"], timeproperty=["modifiedAt", "createdAt", "deletedAt"],
    )  # fmt: skip
    if "aggregatedValues" in given:
        given += "&aggrMethods=totalCount,avg&aggrPeriodDuration=PT1H"
    when = rng.choice(
        [
            "timerel=before&timeAt=2027-01-01T00:00:00Z",
            "timerel=after&timeAt=2020-01-01T00:00:00Z",
            f"timerel=after&timeAt={rng.choice(WHEN)}",
        ]
    )
    if rng.random() < 0.5:
        return "GET", f"{LD}/temporal/entities/{rng.choice(IDS)}?{when}&{given}", None
    return "GET", f"{LD}/temporal/entities?type={rng.choice(TYPES[:7])}&{when}&{given}", None


def _listing(rng: random.Random) -> tuple[str, str, Any]:
    path = rng.choice(
        ["types", "types?details=true", f"types/{OPEN}", f"types/{SECRET}", f"types/{MIXED}", "types/HushType", "attributes", "attributes?details=true",
         "attributes/secretNote", "attributes/level", "attributes/hushAttr", "attributes/driver", "attributes/name", "jsonldContexts", "jsonldContexts?details=true",
         "jsonldContexts?kind=Hosted", "jsonldContexts?kind=ImplicitlyCreated", "jsonldContexts?kind=Cached&details=true", "subscriptions", "subscriptions?count=true",
         "subscriptions/urn:x:sub:secret", "csourceRegistrations?type=OpenGauge", "csourceRegistrations/urn:x:reg:secret", "csourceSubscriptions",
         "csourceSubscriptions/urn:x:csub:secret", "snapshots", "snapshots?count=true", "snapshots/urn:x:snap:secret", "info/sourceIdentity"]
    )  # fmt: skip
    return "GET", f"{LD}/{path}", None


def _write(rng: random.Random) -> tuple[str, str, Any]:
    """Writes that are refused before and after: over ids that are taken by what is hidden, of kinds that nobody here may
    write, and changes of what is not there or not to be seen."""
    one = rng.choice([*STRANGE, "urn:x:nothing"])
    secret = thing(one, rng.choice([SECRET, "Unknown"]), level=1)
    seen = rng.choice(["urn:x:open:1", "urn:x:open:4"])
    return rng.choice(
        [
            ("POST", f"{LD}/entities", secret),
            ("PATCH", f"{LD}/entities/{one}/attrs", {"level": BODY}),
            ("PATCH", f"{LD}/entities/{one}/attrs/level", {"value": 3}),
            ("PATCH", f"{LD}/entities/{one}", {"level": BODY}),
            ("PUT", f"{LD}/entities/{one}", secret),
            ("POST", f"{LD}/entities/{one}/attrs", {"level": BODY}),
            ("DELETE", f"{LD}/entities/{one}", None),
            ("DELETE", f"{LD}/entities/{one}/attrs/level", None),
            ("PATCH", f"{LD}/entities/{seen}/attrs", {"secretNote": BODY}),
            ("DELETE", f"{LD}/entities/{seen}/attrs/secretNote", None),
            ("DELETE", f"{LD}/entities/{seen}/attrs/driver", None),
            ("DELETE", f"{LD}/entities/{seen}", None),
            ("PUT", f"{LD}/entities/{seen}", thing(seen, OPEN, level=1)),
            ("POST", f"{LD}/entityOperations/create", [secret]),
            ("POST", f"{LD}/entityOperations/upsert", [secret]),
            ("POST", f"{LD}/entityOperations/upsert?options=update", [secret]),
            ("POST", f"{LD}/entityOperations/update", [secret]),
            ("POST", f"{LD}/entityOperations/merge", [secret]),
            ("POST", f"{LD}/entityOperations/delete", [one]),
            ("POST", f"{LD}/temporal/entities", {"id": one, "type": SECRET, "level": [{**BODY, "observedAt": "2026-11-20T06:00:00Z"}]}),
            ("POST", f"{LD}/temporal/entities/{one}/attrs", {"level": [{**BODY, "observedAt": "2026-11-20T06:00:00Z"}]}),
            ("DELETE", f"{LD}/temporal/entities/{one}", None),
            ("DELETE", f"{LD}/temporal/entities/{one}/attrs/level?deleteAll=true", None),
            ("DELETE", f"{LD}/temporal/entities/{seen}/attrs/driver?deleteAll=true", None),
            ("PATCH", f"{LD}/subscriptions/urn:x:sub:secret", {"isActive": False}),
            ("DELETE", f"{LD}/subscriptions/urn:x:sub:secret", None),
            ("PATCH", f"{LD}/csourceRegistrations/urn:x:reg:secret", {"endpoint": "http://203.0.113.7"}),
            ("DELETE", f"{LD}/csourceRegistrations/urn:x:reg:secret", None),
            ("DELETE", f"{LD}/csourceSubscriptions/urn:x:csub:secret", None),
            ("DELETE", f"{LD}/snapshots/urn:x:snap:secret", None),
            ("PATCH", f"{LD}/snapshots/urn:x:snap:secret", {"expiresAt": "2027-01-01T00:00:00Z"}),
            ("DELETE", f"{LD}/entities?type={SECRET}", None),
            ("POST", f"{LD}/jsonldContexts/urn:x", {}),
        ]
    )  # fmt: skip


def _post_query(rng: random.Random) -> tuple[str, str, Any]:
    body: dict[str, Any] = {"type": "Query", "entities": [{"type": rng.choice([OPEN, SECRET, MIXED])}]}
    if rng.random() < 0.5:
        body["q"] = rng.choice(Q)
    if rng.random() < 0.3:
        body["attrs"] = [rng.choice(ATTRS[:7])]
    given = _some(rng, options=["sysAttrs", "keyValues"], limit=["2"], count=["true"])
    if rng.random() < 0.3:
        body["temporalQ"] = {
            "timerel": "after",
            "timeAt": "2020-01-01T00:00:00Z",
            "timeproperty": "modifiedAt",
        }
        return "POST", f"{LD}/temporal/entityOperations/query?{given}", body
    return "POST", f"{LD}/entityOperations/query?{given}", body


def _state(rng: random.Random) -> tuple[str, str, Any]:
    given = _some(rng, bbox=["98,7,98.32,8.5", "98.3,7.8,99,8"], at=WHEN, tenant=["t2", "t3", "nobody"])
    types = rng.choice(["", OPEN, SECRET, f"{OPEN},{MIXED}", f"{OPEN},{SECRET}", "Dataset"])
    return "GET", f"/api/state?types={types}&{given}", None


def _history(rng: random.Random) -> tuple[str, str, Any]:
    what = f"type={rng.choice([OPEN, SECRET, MIXED, f'{OPEN},{SECRET}'])}&attr={rng.choice(ATTRS[:5])}"
    if rng.random() < 0.5:
        return "GET", f"/api/history/latest?{what}&{_some(rng, limit=['1', '5'], offset=['0', '2'])}", None
    return (
        "GET",
        f"/api/history/means?{what}&from=2026-11-20T05:00:00Z&to=2026-11-20T10:00:00Z&period={rng.choice(['PT1M', 'PT1H'])}",
        None,
    )


def _changes(rng: random.Random) -> tuple[str, str, Any]:
    return (
        "GET",
        f"/api/changes?id={rng.choice(IDS)}&{_some(rng, at=WHEN, limit=['1', '3', '50'], before=['AAAAAAAAAAAAAAAAAAAAAA', '7'], tenant=['t2', 't3'])}",
        None,
    )


KEYS: Final = {
    "dataset": [f"{code}~{what}" for code in ("open", "secret", "navy", "hush") for what in ("records", "completeness")],
    "indicator": ["road-deaths", "hospital-8", "feed-freshness", "response-time/minutes", "critical-links/people"],
    "reach": ["Hospital", "Hospital/8", "FireStation"],
    "coverage": ["3500-default/outdoor/threshold", "3500-default/sites"],
    "policy": ["upper-imt/outdoor/expected", "assumption/extra_loss_db"],
    "critical-link": ["sum", "240-streets-15/1"],
    "portfolio": ["default~recommended~netPresentValue", "default~nominal~overBudgetShare"],
    "measure": ["speed-cameras~capex", "speed-cameras~road-deaths"],
    "unit-value": ["road-deaths"],
    "roadmap-sources": ["values", "costsAndEffects"],
    "gap": ["road-deaths~value"],
}  # fmt: skip
"""Keys of figures by kind; another kind is asked for ids of entities."""


def figures(rng: random.Random, kinds: list[str]) -> tuple[str, str, Any]:
    """The basis of figures of every kind, also of one whose list names hidden entities (``hidden_world.listed``)."""
    given = _some(rng, at=WHEN, limit=["1", "3"], offset=["0", "1", "5"])
    kind = rng.choice(["entities", "attribute", "listed", *kinds])
    if kind == "entities":
        key = rng.choice([f"type={rng.choice(TYPES[:8])}", f"id={rng.choice(IDS)},{rng.choice(IDS)}"])
        key += "&" + _some(rng, q=Q, attribute=ATTRS, scopeQ=["/port", "/navy/#"], bbox=["98,7,98.32,8.5"])
        key = key.rstrip("&")
    elif kind in KEYS:
        key = rng.choice(KEYS[kind])
    else:
        key = f"{rng.choice(IDS)}~{rng.choice(ATTRS)}" if rng.random() < 0.7 else rng.choice(IDS)
    return "GET", f"/api/evidence/{kind}/{quote(key, safe='')}?{given}", None


def _preview(rng: random.Random) -> tuple[str, str, Any]:
    """A rule tried on the present, over any type and attribute."""
    rule = {
        "select": {"type": rng.choice(TYPES[:8])},
        "when": {
            "attr": rng.choice(ATTRS),
            "op": rng.choice([">", "<", "!="]),
            "value": rng.choice([0, 1, 40]),
        },
        "severity": "Minor",
    }
    path = f"/api/command/rules/urn:ngsi-ld:AlertRule:{rng.choice(['try', 'wet'])}/preview"
    return "POST", path, {"name": {"en": "Try"}, "definition": rule}


def _rooms(rng: random.Random) -> tuple[str, str, Any]:
    path = rng.choice(
        ["/api/health", "/api/command/summary", "/api/command/rules", "/api/command/incidents", "/api/command/incidents?text=rain&state=open", "/api/command/incidents?format=csv", "/api/places?text=hospital", "/api/places?text=ro", "/api/command/alerts", "/api/command/units",
         "/api/command/timeline?from=2026-11-20T00:00:00Z&to=2026-11-20T23:00:00Z", "/api/assessment/indicators", "/api/assessment/indicators/x",
         "/api/assessment/accessibility", "/api/assessment/criticality", "/api/connectivity/sites", "/api/connectivity/runs", "/api/connectivity/policy",
         "/api/roadmap/measures", "/api/roadmap/gaps", "/api/roadmap/portfolio", "/api/roadmap/portfolios", "/api/training", "/api/training/scenarios",
         "/api/training/drills", "/api/training/drills/x", "/api/programme", "/api/programme/draft", "/api/programme/acceptances", "/api/catalogue/datasets", "/api/catalogue/datasets/open",
         "/api/catalogue/datasets/hush", "/api/catalogue/datasets/secret", "/api/catalogue/datasets/nothing", "/api/city", "/api/registers", "/api/registers/incident-types", "/api/registers/incident-types/fire", "/api/registers/nothing", "/tiles/base/10/791/489.mvt", "/tiles/base/12/3167/1957.mvt",
         "/metrics", "/api/identity/audit", "/api/identity/users", "/api/identity/users/ghost", "/api/identity/tokens", "/api/identity/agencies", "/api/ingest/feeds",
         "/api/ingest/dead-letters", "/auth/me", "/auth/sessions", "/ngsi-ld/contexts/andaman.jsonld"]
    )  # fmt: skip
    return "GET", path, None


DOORS: Final[dict[str, Callable[[random.Random], tuple[str, str, Any]]]] = {
    "entities": _entities, "entity": _entity, "temporal": _temporal, "lists": _listing, "refused writes": _write, "post query": _post_query,
    "state": _state, "history": _history, "changes": _changes, "previews": _preview, "rooms": _rooms,
}  # fmt: skip
_TENANTS = [{}, {}, {}, {}, {"NGSILD-Tenant": "t2"}, {"NGSILD-Tenant": "t3"}, {"NGSILD-Tenant": "nobody"}]
_ACCEPT = [{}, {}, {}, {"Accept": "application/ld+json"}, {"Accept": "application/geo+json"}]


def questions(names: list[str], each: int, seed: int, kinds: list[str]) -> list[Question]:
    """``each`` for every door. ``kinds``: of the figures that rooms have."""
    rng = random.Random(seed)
    made: list[Question] = []
    for make in (*DOORS.values(), partial(figures, kinds=kinds)):
        for _ in range(each):
            who = rng.choice(names)
            method, path, body = make(rng)
            headers = {**rng.choice(_TENANTS), **rng.choice(_ACCEPT)}
            if body is not None:
                headers["Content-Type"] = "application/json"
            if rng.random() < 0.05:
                headers["Prefer"] = "ngsi-ld=1.6"
            made.append((who, method, path, body, headers))
    return made
