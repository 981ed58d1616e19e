"""Each request has an id, which goes into the answer, the journal and the log; no secret goes into a log."""

import json
import logging

import pytest

from andaman.identity.model import Role
from andaman.kernel.logs import Structured, request_id

from ..support import client, platform, run


def record(message, *args, **extra):
    made = logging.LogRecord("andaman.x", logging.WARNING, "f", 1, message, args, None)
    made.__dict__.update(extra)
    return made


def test_a_callers_id_is_given_back_and_stands_in_the_journal(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:
            before = app.broker.seq
            answer = await http.post(
                "/ngsi-ld/v1/entities",
                json={
                    "id": "urn:ngsi-ld:Device:1",
                    "type": "Device",
                    "counter": {"type": "Property", "value": 1},
                },
                headers={"X-Request-Id": "shift-42"},
            )
            assert answer.status_code == 201
            assert answer.headers["x-request-id"] == "shift-42"
            assert app.broker.seq == before + 1
            with app.broker._ledger.journals.reader() as journal:
                assert journal._db.execute("SELECT request FROM journal ORDER BY seq DESC").fetchone() == (
                    "shift-42",
                )

    run(work)


@pytest.mark.parametrize("given", [b"", b"a\x1fb", b"\xe0\xb8", b"evil\x7f"])
def test_what_is_no_plain_word_is_replaced(tmp_path, given):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            ids = {
                (await http.get(path, headers=[(b"x-request-id", given)])).headers["x-request-id"]
                for path in (
                    "/api/health",
                    "/api/nothing",
                    "/ngsi-ld/v1/entities/urn:x:1",
                    "/ngsi-ld/v1/types",
                )
            }
            assert len(ids) == 4  # of its own for each, errors included
            assert all(len(one) >= 10 and one.isalnum() is False and one.isprintable() for one in ids)

    run(work)


def test_a_long_id_is_cut(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            answer = await http.get("/api/health", headers={"X-Request-Id": "x" * 1000})
            assert answer.headers["x-request-id"] == "x" * 64

    run(work)


def test_slow_requests_and_on_wish_all_get_a_line_without_query_or_header(tmp_path, caplog):
    async def work(**settings):
        async with platform(tmp_path, log_level="info", **settings) as app, client(app) as http:
            with caplog.at_level("INFO", "andaman.requests"):
                await http.get(
                    "/api/health?token=geheim", headers={"X-Request-Id": "r1", "Cookie": "x=geheim"}
                )

    run(lambda: work(slow_request_ms=0))
    assert not [r for r in caplog.records if r.name == "andaman.requests"]
    run(lambda: work(log_requests=True))
    (line,) = [r for r in caplog.records if r.name == "andaman.requests"]
    assert line.levelname == "INFO"
    assert line.fields["route"] == "/api/health"
    assert line.fields["status"] == 200
    assert "geheim" not in str(line.__dict__)


def test_a_line_is_one_json_object_with_the_requests_id_and_no_secret():
    reset = request_id.set(b"abc-1")
    try:
        line = Structured("json").format(
            record(
                "call with %s",
                "Authorization: Bearer s3cr3t\nx",
                fields={"cookie": "andaman_session=s3cr3t; a=b"},
            )
        )
    finally:
        request_id.reset(reset)
    told = json.loads(line)
    assert told["request"] == "abc-1"
    assert told["level"] == "warning"
    assert told["message"].startswith("call with")
    assert "\n" not in line
    assert "s3cr3t" not in line


@pytest.mark.parametrize("form", ["text", "logfmt", "json"])
@pytest.mark.parametrize(
    "text",
    [
        "Bearer s3cr3t",
        "andaman_session=s3cr3t",
        'password="s3cr3t"',
        "mqtt://me:s3cr3t@host:1883",
        "password: s3cr3t",
    ],
)
def test_secrets_are_struck_out_in_every_form(form, text):
    assert "s3cr3t" not in Structured(form).format(record(text))
    assert "s3cr3t" not in Structured(form).format(record("x", fields={"note": text}))


@pytest.mark.parametrize("form", ["text", "logfmt", "json"])
def test_a_forged_line_break_stays_in_its_line(form):
    assert len(Structured(form).format(record("a\n2026-01-01 error andaman forged")).splitlines()) == 1
