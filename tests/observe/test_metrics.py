"""What the platform tells about itself: complete, cheap to parse, and not for everybody."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from andaman.broker.entity.build import entity, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import Role, system_actor
from andaman.kernel.metrics import Family, Histogram
from andaman.observe.metrics import Metrics

from ..support import client, platform, run


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape(http):
    answer = await http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def test_every_request_is_counted_under_its_route_and_never_under_an_id(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:
            doc = entity("urn:ngsi-ld:Device:1", "Device", counter=prop(1))
            await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], system_actor("test"))
            paths = {
                "/ngsi-ld/v1/entities/urn:ngsi-ld:Device:1": ("/ngsi-ld/v1/entities/{id}", 200),
                "/ngsi-ld/v1/entities/urn:ngsi-ld:Device:2": ("/ngsi-ld/v1/entities/{id}", 404),
                "/ngsi-ld/v1/entities?type=Device": ("/ngsi-ld/v1/entities", 200),
                "/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Device:1": (
                    "/ngsi-ld/v1/temporal/entities/{id}",
                    200,
                ),
                "/ngsi-ld/v1/" + "x/" * 50: ("(none)", 404),
                "/api/health": ("/api/health", 200),
                "/api/nothing-of-the-kind": None,
            }
            for path in paths:
                await http.get(path)
            got = await scrape(http)
            for expected in paths.values():
                if expected is not None:
                    route, status = expected
                    key = ("method", "GET"), ("route", route), ("status", str(status))
                    assert got["andaman_http_request_duration_seconds_count", *key] == 1
            assert not [key for key in got if "Device" in str(key) or "nothing-of" in str(key)]
            assert got[("andaman_http_requests_open",)] == 1  # the scrape itself
            assert got[("andaman_journal_position",)] == app.broker.seq
            assert got[("andaman_writer_commit_seconds_count",)] >= 1
            assert got[("andaman_writer_batch_events_sum",)] == app.broker.seq
            assert got[("andaman_history_lag_events",)] >= 0
            assert got[("andaman_dead_letters",)] == 0
            assert got[("andaman_historian_memory_bytes",)] > 1e6
            assert got[("process_resident_memory_bytes",)] > 1e6

    run(work)


def test_paths_made_up_by_strangers_cannot_fill_the_memory(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            for n in range(300):
                await http.request(f"M{n}", f"/ngsi-ld/v1/x{n}/y{n}")
                await http.get(f"/tiles/{n}/nothing")
            requests = next(room for room in app.get(Metrics).rooms if type(room).__name__ == "Requests")
            (family, *_) = requests.metrics()
            assert len(family.values) < 10

    run(work)


def test_metrics_are_for_administrators_unless_a_setting_opens_them_on_this_machine(tmp_path):
    async def work():
        async with platform(tmp_path / "a") as app:
            for role, status in ((None, 401), ("dispatcher", 403), (Role.ADMINISTRATOR, 200)):
                async with client(app, role) as http:
                    assert (await http.get("/metrics")).status_code == status
        async with platform(tmp_path / "b", metrics_loopback=True) as app:
            for address, status in (("127.0.0.1", 200), ("192.0.2.7", 401)):
                transport = httpx.ASGITransport(app.asgi, client=(address, 1))
                async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026") as http:
                    assert (await http.get("/metrics")).status_code == status

    run(work)


def test_a_source_that_fails_does_not_take_the_others_with_it(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:

            async def broken():
                raise OSError("gone")

            app.get(Metrics)._late.insert(0, broken)
            assert ("andaman_dead_letters",) in await scrape(http)

    run(work)


def test_a_histogram_is_written_cumulated():
    from andaman.observe.metrics import render

    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 7):
        histogram.observe(value)
    got = samples(render([Family("x_seconds", "x", "histogram", [({"a": "b"}, histogram)])]).decode())
    told = {dict(key[1:])["le"]: value for key, value in got.items() if key[0] == "x_seconds_bucket"}
    assert told == {"1.0": 2, "2.0": 3, "+Inf": 4} or told == {"1": 2, "2": 3, "+Inf": 4}
    assert got["x_seconds_sum", ("a", "b")] == 10
