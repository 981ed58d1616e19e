"""Laws of permissions and roles, against the platform as built."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from andaman.app import App
from andaman.cli import main
from andaman.identity.doors import DoorEntry, Verdict, Who
from andaman.identity.model import Actor, Role
from andaman.identity.permissions import WRITE_OWN_DATASETS
from andaman.identity.policy import Policy
from andaman.identity.powers import powers_of
from andaman.identity.roles import FILE, FIXED, RoleRow, open_roles, shipped_roles
from andaman.kernel.errors import Unavailable
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words
from andaman.maintenance import backup_all, backup_into, restore_all, restore_from
from andaman.offline import cli_actor
from andaman.rooms import PERMISSIONS, ROOMS

from .support import PASSWORD, client, platform, principal, run

ROOT = Path(__file__).parents[1]
STAFF = "operator dispatcher analyst administrator"
DESK = "operator dispatcher administrator"
BEFORE = {
    STAFF: """
POST NG/jsonldContexts · DELETE NG/jsonldContexts/{contextId}
GET NG/csourceRegistrations · GET NG/csourceRegistrations/{registrationId}
GET NG/csourceSubscriptions · POST NG/csourceSubscriptions · GET NG/csourceSubscriptions/{subscriptionId}
PATCH NG/csourceSubscriptions/{subscriptionId} · DELETE NG/csourceSubscriptions/{subscriptionId}
GET /auth/sessions · DELETE /auth/sessions · DELETE /auth/sessions/{id} · DELETE /auth/tokens/{id}
GET /api/identity/agencies · GET /api/changes · GET /api/ingest/dead-letters
GET /api/command/incidents/{id} · GET /api/command/incidents/{id}/candidates
GET /api/command/rules · GET /api/command/rules/{id}
GET /api/training · GET /api/training/courses/{course} · POST /api/training/courses/{course}/steps/{step}
GET /api/training/scenarios · GET /api/training/drills · GET /api/training/drills/{drill}
""",
    DESK: """
POST /api/command/alerts/{id}/acknowledge · POST /api/command/alerts/{id}/close
POST /api/command/incidents · POST /api/command/incidents/{id}/notes · POST /api/command/assignments/{id}/steps
POST /api/training/drills · POST /api/training/drills/{drill}/{how:str}
""",
    "dispatcher administrator": """
POST /api/command/incidents/{id}/steps · POST /api/command/incidents/{id}/assignments
POST /api/command/units/{id}/status
""",
    "analyst administrator": """
POST /api/assessment/refresh · POST /api/connectivity/runs · POST /api/roadmap/portfolio
PUT /api/roadmap/measures/{id} · DELETE /api/roadmap/measures/{id}
""",
    "administrator": """
POST NG/csourceRegistrations · PATCH NG/csourceRegistrations/{registrationId}
DELETE NG/csourceRegistrations/{registrationId} · GET /metrics
GET /api/identity/users · POST /api/identity/users
GET /api/identity/users/{username} · PATCH /api/identity/users/{username}
POST /api/identity/agencies · GET /api/identity/audit · GET /api/identity/tokens · POST /api/identity/tokens
DELETE /api/identity/tokens/{id} · POST /api/identity/tokens/{id}/rotate · POST /api/identity/tokens/{id}/own
POST /api/ingest/feeds/{feed}/{action} · PUT /api/command/rules/{id} · DELETE /api/command/rules/{id} · POST /api/training/roles
""",
}
"""Roles → the doors that they opened when entries named roles. The rows that ship open the same ones."""
OF_PARTS = {
    "incident.close": "dispatcher",
    "drill.review": "analyst",
    "drill.manage": "",
    "feed.inspect": "operator dispatcher analyst",
    "source.read": "operator dispatcher analyst",
    "statistic.write": "analyst",
    "site.write": "analyst",
    "measure.manage": "analyst",
    "dataset.write": "analyst",
}
"""The same of what is asked of a part of a request: permission → roles."""


FIRST = ("public", "operator", "dispatcher", "analyst", "administrator")
"""The roles that there were then."""


def before() -> dict[str, set[str]]:
    """Door → the roles that opened it."""
    return {
        door.strip().replace("NG/", "/ngsi-ld/v1/"): set(roles.split())
        for roles, text in BEFORE.items()
        for line in text.strip().split("\n")
        for door in line.split("·")
    }


def named(entry: DoorEntry) -> str:
    return f"{entry.method} {entry.path}"


def opens(entry: DoorEntry, role: str) -> bool:
    """Does the entry let in whoever has this role, by the numbers that the hot path reads?"""
    who = principal("user:x", "x", role)
    verdict = entry.verdicts[powers_of(Actor(who))]
    return verdict == Verdict.OPEN or (verdict == Verdict.PERMISSION and entry.permission in who.permissions)


# -- the roles that ship ----------------------------------------------------------------------------------------------


def test_the_roles_that_ship_open_the_doors_that_they_opened_before(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app:
            expected, there = before(), {named(door.entry): door.entry for door in app.doors}
            assert len(expected) == 60
            for name, roles in expected.items():
                assert {role for role in FIRST if opens(there[name], role)} == roles, name
            for name, entry in there.items():
                if name not in expected and isinstance(entry.requires, Who):
                    assert all(opens(entry, role) for role in shipped_roles().rows), name

    run(work)
    for name, having in OF_PARTS.items():
        rows = shipped_roles().rows
        assert {one for one in FIRST if name in rows[one].permissions} == set(having.split()), name


# -- laws of the table ------------------------------------------------------------------------------------------------


def test_every_permission_has_words_a_name_of_its_own_and_is_asked(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app:
            asked = {one.name for door in app.doors for one in door.entry.permissions}
            asked |= {rule.permission for rule in app.get(Policy).table.writes} | {WRITE_OWN_DATASETS.name}
            declared = [one for room in ROOMS for one in room.permissions]
            assert asked == {one.name for one in declared}
            assert [name for name, count in Counter(one.name for one in declared).items() if count > 1] == []
            for one in declared:
                assert not one.words.placeholders()
                assert any("\u0e00" <= char <= "\u0e7f" for char in one.words.th), one.name
            for door in app.doors:
                entry = door.entry
                if entry.method != "GET":
                    assert isinstance(entry.requires, Permission) or entry.because, named(entry)
            given = {name for row in shipped_roles().rows.values() for name in row.permissions} - {"*"}
            assert given <= PERMISSIONS.keys()

    run(work)


# -- a new role costs a row -------------------------------------------------------------------------------------------

SHIFT_LEAD = """
[shiftLead]
words = { th = "หัวหน้ากะ", en = "Shift lead" }
sees = ["unlisted", "security"]
permissions = [
  "incident.read",
  "incident.step",
  "rule.manage",
]

[callTaker]
words = { th = "เจ้าหน้าที่รับแจ้งเหตุ", en = "Call taker" }
permissions = ["incident.create"]
"""


async def signed_in(app: App, http: httpx.AsyncClient, role: str) -> dict[str, Any]:
    """Sign in as a new account with this role; what the platform says of it."""
    await app.identity.add_user(f"test-{role.lower()}", PASSWORD, [role], cli_actor())
    answer = await http.post("/auth/login", json={"username": f"test-{role.lower()}", "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]
    principal: dict[str, Any] = (await http.get("/auth/me")).json()["principal"]
    return principal


def test_a_new_role_is_a_row_and_opens_exactly_its_doors(tmp_path: Path) -> None:
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")

    async def work() -> None:
        async with platform(tmp_path, public_queries_per_minute=0) as app, client(app) as http:
            me = await signed_in(app, http, "shiftLead")
            assert me["roles"] == ["shiftLead"]
            assert me["roleNames"] == [{"th": "หัวหน้ากะ", "en": "Shift lead"}]
            assert me["permissions"] == ["incident.read", "incident.step", "rule.manage"]
            for door in app.doors:
                entry = door.entry
                if not isinstance(entry.requires, Permission):
                    continue
                path = entry.path.replace("{", "").replace("}", "").replace(":str", "").replace(":path", "")
                content = None if entry.method == "GET" else b"{}"
                kind = {"Content-Type": "application/json"}
                answer = await http.request(entry.method, path, content=content, headers=kind)
                refused = answer.status_code == 403 and "permission" in answer.json()["detail"]
                assert refused is (entry.requires.name not in me["permissions"]), (named(entry), answer.text)
                if refused and entry.path.startswith("/api"):
                    assert answer.json()["code"] == "permission-missing"
                    assert answer.json()["params"]["permission"] == entry.requires.name

    run(work)


def test_a_part_of_a_request_asks_a_permission_of_its_own(tmp_path: Path) -> None:
    """A shift lead changes the status of incidents and ends none."""
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")

    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as lead, client(app, "dispatcher") as desk:
            await signed_in(app, lead, "shiftLead")
            place = {"type": "Point", "coordinates": [98.3, 7.9]}
            made = await desk.post(
                "/api/command/incidents",
                json={"incidentType": "fire", "severity": "Minor", "location": place},
            )
            assert made.status_code == 201, made.text
            steps = made.headers["Location"] + "/steps"
            assert (await lead.post(steps, json={"step": "triaged"})).status_code == 200
            refused = await lead.post(steps, json={"step": "closed", "outcome": "x"})
            assert refused.status_code == 403
            assert refused.json()["params"]["permission"] == "incident.close"
            assert (await desk.post(steps, json={"step": "closed", "outcome": "x"})).status_code == 200

    run(work)


STEWARD = """
[steward]
words = { th = "ผู้ดูแล", en = "Steward" }
sees = ["unlisted", "security"]
permissions = [
  "agency.manage", "audit.read", "metrics.read", "rule.manage", "rule.read", "source.manage", "source.read",
  "staff.manage",
]
"""


def test_what_only_administrators_have_at_first_works_for_another_role_too(tmp_path: Path) -> None:
    """No check below the door asks for the administrator again."""
    tmp_path.joinpath(FILE).write_text(STEWARD, "utf-8")
    rule = {
        "name": {"th": "ฝน", "en": "Rain"},
        "definition": {
            "select": {"type": "WeatherObserved"}, "when": {"attr": "precipitation24h", "op": ">=", "value": 35.1},
            "severity": "Severe", "category": "Met", "headline": {"th": "ฝน", "en": "Rain"},
        },
    }  # fmt: skip
    source = {
        "id": "urn:ngsi-ld:ContextSourceRegistration:1", "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Bus"}]}], "endpoint": "http://203.0.113.5:1/",
    }  # fmt: skip

    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as http:
            await signed_in(app, http, "steward")
            agency = {"code": "pk-x", "name": {"th": "ก", "en": "X"}}
            for method, path, body in (
                ("POST", "/api/identity/agencies", agency),
                ("GET", "/api/identity/audit", None),
                ("GET", "/metrics", None),
                ("PUT", "/api/command/rules/urn:ngsi-ld:AlertRule:x?reason=Trial", rule),
                ("DELETE", "/api/command/rules/urn:ngsi-ld:AlertRule:x?reason=Trial", None),
                ("POST", "/ngsi-ld/v1/csourceRegistrations", source),
                ("DELETE", "/ngsi-ld/v1/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1", None),
                ("POST", "/api/training/roles", {"person": "user:nok", "role": "dispatcher"}),
            ):
                answer = await http.request(method, path, json=body)
                assert answer.status_code < 300, (path, answer.text)

    run(work)


def test_a_new_role_sees_what_its_row_says(tmp_path: Path) -> None:
    """Also tokens have it. What a role does not see is not there for it."""
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")

    async def work() -> None:
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root, client(app) as http:
            made = await root.post("/ngsi-ld/v1/entities", json={"id": "urn:x:1", "type": "Unheard"})
            assert made.status_code == 201
            for role, status in {"shiftLead": 200, "callTaker": 404}.items():
                answer = await root.post("/api/identity/tokens", json={"name": "x", "roles": [role]})
                bearer = {"Authorization": f"Bearer {answer.json()['secret']}"}
                found = await http.get("/ngsi-ld/v1/entities/urn:x:1", headers=bearer)
                assert found.status_code == status, role
            unknown = await root.post("/api/identity/tokens", json={"name": "x", "roles": ["boss"]})
            assert unknown.status_code == 400
            assert "shiftLead" in unknown.json()["detail"]

    run(work)


def test_who_has_a_role_that_is_gone_has_no_permission(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Stored names stay, and the log names them. With the row, the rights come back."""
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")
    told: list[dict[str, Any]] = []

    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as http:
            if not told:
                await signed_in(app, http, "shiftLead")
            body = {"username": "test-shiftlead", "password": PASSWORD}
            told.append((await http.post("/auth/login", json=body)).json()["principal"])

    run(work)
    tmp_path.joinpath(FILE).unlink()
    run(work)
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")
    run(work)
    assert [one.message for one in caplog.records if "shiftLead" in one.message] != []
    assert [one["permissions"] for one in told] == [told[0]["permissions"], [], told[0]["permissions"]]
    assert {str(one["roles"]) for one in told} == {"['shiftLead']"}


def test_the_command_line_gives_roles_of_the_table_and_lists_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")
    data = ["--data", str(tmp_path)]
    assert main(["token", "create", "shiftLead", *data]) == 0
    assert capsys.readouterr().out.startswith("andaman_api_")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["user", "add", "nok", "--role", "shiftLead", "--password-stdin", *data]) == 0
    for command in (
        ["token", "create", "boss"],
        ["user", "add", "lek", "--role", "boss", "--password-stdin"],
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
        assert main([*command, *data]) != 0
        assert (
            "operator, dispatcher, analyst, programme-office, administrator, shiftLead, callTaker"
            in capsys.readouterr().err
        )


def test_backups_hold_the_roles_of_the_city(tmp_path: Path) -> None:
    """Or accounts that have them would be without rights after a restore."""
    data = tmp_path / "a"
    data.mkdir()
    data.joinpath(FILE).write_text(SHIFT_LEAD, "utf-8")

    async def work() -> None:
        async with platform(data):
            pass

    run(work)
    backup_all(data, tmp_path / "copy.tar")
    restore_all(tmp_path / "copy.tar", tmp_path / "b")
    backup_into(data, tmp_path / "set")
    restore_from(tmp_path / "set", tmp_path / "c")
    for copy in ("b", "c"):
        assert (tmp_path / copy / FILE).read_text("utf-8") == SHIFT_LEAD


OTHER_MEANINGS = {"city/types.py"}
"""The operator of a bus line."""


def test_code_names_no_role() -> None:
    """Only the two fixed ones; the demonstration makes accounts for those that ship."""
    names = "|".join(name for name in shipped_roles().rows if name not in FIXED)
    named = re.compile(rf"""["']({names})["']""")
    trees = {ROOT / "src/andaman": ("py",), ROOT / "web/src": ("ts", "svelte")}
    files = {
        path: tree for tree, kinds in trees.items() for kind in kinds for path in tree.rglob(f"*.{kind}")
    }
    assert len(files) > 500
    found = {
        str(path.relative_to(tree)) for path, tree in files.items() if named.search(path.read_text("utf-8"))
    }
    assert found == OTHER_MEANINGS


def test_a_role_that_had_a_permission_before_goes_without_when_only_administrators_have_it(
    tmp_path: Path,
) -> None:
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD.replace('"incident.create"', '"feed.control"', 1), "utf-8")
    table = open_roles(tmp_path, permissions=PERMISSIONS)
    assert "feed.control" not in table.permissions_of(frozenset({"callTaker"}))
    kept = RoleRow(
        "callTaker", Words("ก", "a"), frozenset({"feed.control", "incident.read"})
    )  # in identity.db
    table.replace([*table.rows.values(), kept])
    assert table.permissions_of(frozenset({"callTaker"})) == {"incident.read"}
    assert "feed.control" in table.permissions_of(frozenset({Role.ADMINISTRATOR}))


@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        (('"incident.step"', '"incident.stop"'), 7, "there is no permission 'incident.stop'"),
        (
            ('"incident.create"', '"account.manage"'),
            13,
            "only administrators have the permission account.manage",
        ),
        (('"incident.create"', '"*"'), 13, "only administrators"),
        (('"security"', '"secrets"'), 4, "a role cannot see 'secrets'; sees has unlisted, personal"),
        (('"security"', '"*"'), 4, "a role cannot see '*'"),
        (("[callTaker]", "[administrator]"), 11, "the role administrator cannot be changed"),
        (("[callTaker]", "[public]"), 11, "the role public cannot be changed"),
        (("[callTaker]", '["Call Taker"]'), 11, "'Call Taker' is not the name of a role"),
        (('words = { th = "หัวหน้ากะ", ', "words = { "), 3, "the role shiftLead needs words"),
        (("permissions = [\n", "permission = [\n"), 5, "a role has no 'permission'"),
        (('permissions = ["incident.create"]', "permissions = 1"), 13, "permissions is a list of texts"),
        (("[shiftLead]", 'shift = "x"\n[shiftLead]'), 2, "shift is not the section of a role"),
        (("[shiftLead]", "[shiftLead"), 2, "is not valid TOML"),
    ],
)
def test_a_roles_file_that_is_not_in_order_is_refused_with_the_line(
    tmp_path: Path, wrong: tuple[str, str], line: int, words: str
) -> None:
    tmp_path.joinpath(FILE).write_text(SHIFT_LEAD.replace(*wrong, 1), "utf-8")
    with pytest.raises(Unavailable) as refused:
        open_roles(tmp_path, permissions=PERMISSIONS)
    assert words in str(refused.value)
    assert f"line {line}" in str(refused.value)


def test_the_setting_names_another_file_which_must_be_there(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SHIFT_LEAD, "utf-8")
    assert open_roles(tmp_path, str(own), PERMISSIONS).names[-2:] == ("shiftLead", "callTaker")
    assert open_roles(tmp_path, "", PERMISSIONS).names == shipped_roles().names
    with pytest.raises(Unavailable, match=r"missing\.toml cannot be read"):
        open_roles(tmp_path, str(tmp_path / "missing.toml"), PERMISSIONS)
