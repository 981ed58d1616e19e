"""The platform as a whole, through its gate."""

import pytest

from andaman.app import build
from andaman.identity.model import Role
from andaman.kernel.errors import Unavailable
from andaman.server import listen
from andaman.settings import load_settings

from .support import client, platform, run


def test_health_is_there_for_everybody_and_tells_nothing_of_the_city(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            answer = (await http.get("/api/health")).json()
            assert answer["status"] == "ok"
            assert set(answer) == {"status", "version", "clock"}

    run(work)


@pytest.mark.parametrize("path", ["/api/nothing", "/auth/nothing", "/tiles/nothing"])
def test_an_unknown_machine_address_is_a_problem_document(tmp_path, path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            answer = await http.get(path)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
            assert path in answer.json()["detail"]

    run(work)


def test_a_wrong_method_is_refused_with_what_is_allowed(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:
            answer = await http.delete("/api/programme")
            assert answer.status_code == 405
            assert "GET" in answer.json()["detail"]

    run(work)


def test_the_pack_is_installed_once_and_kept(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app:
            first = app.broker.seq
            assert first > 1000
        async with platform(tmp_path, pack="phuket") as app:
            assert app.broker.seq == first

    run(work)


def test_no_auth_listens_on_loopback_only(tmp_path):
    with pytest.raises(Unavailable, match="loopback"):
        build(load_settings({"data": str(tmp_path), "no_auth": True, "host": "0.0.0.0"}, environ={}))


def test_a_port_in_use_is_one_clear_sentence():
    with listen("127.0.0.1", 0) as first, pytest.raises(Unavailable, match="is in use by another program"):
        listen("127.0.0.1", first.getsockname()[1])


def test_two_platforms_never_share_a_directory(tmp_path):
    async def work():
        async with platform(tmp_path):
            with pytest.raises(Unavailable):
                build(load_settings({"data": str(tmp_path)}, environ={}))

    run(work)
