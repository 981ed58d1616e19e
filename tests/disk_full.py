"""Run by test_disk_full in a mount namespace of its own: a platform on a small disk that fills up for real.

python -m tests.disk_full DIRECTORY
"""

import asyncio
import contextlib
import io
import logging
import os
import subprocess
import sys
from pathlib import Path

from andaman.app import App
from andaman.broker.entity.build import value
from andaman.identity.model import FULL_ACCESS, Role
from andaman.kernel.errors import Unavailable
from andaman.kernel.logs import configure
from andaman.maintenance import examine
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import client, platform

PATH = "/ngsi-ld/v1/entities"
BESIDE = [
    (
        "/ngsi-ld/v1/subscriptions",
        {
            "type": "Subscription",
            "entities": [{"type": "Nothing"}],
            "description": "x" * 9_000,
            "notification": {"endpoint": {"uri": "http://192.0.2.1/x"}},
        },
    ),
    (
        "/ngsi-ld/v1/csourceRegistrations",
        {
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Nothing"}]}],
            "endpoint": "http://192.0.2.1/",
        },
    ),
]


def fill(file: Path, leave: int) -> None:
    """Take all space but so many bytes."""
    free = os.statvfs(file.parent)
    size = free.f_bavail * free.f_frsize - leave
    with open(file, "wb") as out:
        while size > 0:
            size -= out.write(bytes(min(size, 1 << 20)))


def device(number: int, step: int) -> dict[str, object]:
    return {
        "id": f"urn:ngsi-ld:Device:{number}",
        "type": "Device",
        "counter": {"type": "Property", "value": step},
        "note": {"type": "Property", "value": "x" * 20_000},
    }


async def work(data: Path) -> None:
    known: dict[str, int] = {}
    doubtful: set[str] = set()
    refused = 0
    async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:

        async def write(number: int, step: int) -> int:
            nonlocal refused
            doc = device(number, step)
            answer = await http.post("/ngsi-ld/v1/entityOperations/upsert", json=[doc])
            if answer.status_code in (201, 204):
                known[str(doc["id"])] = step
            else:
                refused += 1
                # The whole batch was refused: in the answer itself, or for its one entity.
                inner = answer.json().get("errors", [{"error": answer.json()}])[0]["error"]
                assert inner["status"] in (503, 507), answer.text
                assert "written" in inner["detail"] or "disk" in inner["detail"].lower(), answer.text
                if "read to see" in inner["detail"]:
                    doubtful.add(str(doc["id"]))
            return answer.status_code

        for number in range(50):
            await write(number, 0)
        assert not refused
        with contextlib.suppress(OSError):  # history takes its share meanwhile
            fill(data.parent / "filler", 1_500_000)
        for step in range(1, 200):
            await write(step % 70, step)
            if refused >= 20:
                break
        assert refused >= 20, "the disk never filled"
        # Reading goes on, in every way.
        for entity_id in known:
            answer = await http.get(f"{PATH}/{entity_id}")
            assert answer.status_code == 200
        assert (await http.get(f"{PATH}?type=Device&limit=100")).status_code == 200
        assert (await http.get("/metrics")).status_code == 200
        # What is kept beside the ledger is refused in the same words.
        for path, doc in BESIDE:
            for _ in range(50):
                answer = await http.post(path, json=doc)
                assert answer.status_code in (201, 507), answer.text
                if answer.status_code == 507:
                    assert answer.json()["type"].endswith("storage-full"), answer.text
                    break
        await sign_in_on_a_full_disk(app, data)
        os.unlink(data.parent / "filler")
        for _ in range(300):
            if await write(1, 1000) < 300:
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError("writing did not resume")
        for number in range(70):
            assert await write(number, 2000 + number) < 300
        for _ in range(600):
            with contextlib.suppress(Unavailable):  # it is being started again
                if (await app.broker.history_status())[0] == app.broker.seq:
                    break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"history did not catch up: {await app.broker.history_status()}")
        check(app.broker, known, doubtful)
    assert not [
        f
        for f in examine(load_settings({"data": str(data), "port": 0}, environ={}), STORES)
        if f.level == "problem"
    ]
    async with platform(data) as app:
        check(app.broker, known, doubtful)
    await restart_on_a_full_disk(data, known, doubtful)
    print(f"ok: {refused} refused")


async def sign_in_on_a_full_disk(app: App, data: Path) -> None:
    """With no byte left whoever has an account gets in, and the audit has it; entities do not take the room that was made for it."""
    with contextlib.suppress(OSError):
        fill(data.parent / "more", 0)
    assert (data / "reserve").exists()
    for number in range(5):
        async with client(app, Role.ADMINISTRATOR) as http:  # signs in, asserts that it did
            assert "test-administrator" in (await http.get("/auth/me")).text
            entries = (await http.get("/api/identity/audit?limit=20")).json()
            assert str(entries).count("session.sign-in") >= number + 1, entries
            answer = await http.post("/auth/login", json={"username": "nobody", "password": "x" * 12})
            assert answer.status_code == 401, answer.text
            answer = await http.post("/ngsi-ld/v1/entityOperations/upsert", json=[device(1, 3000)])
            inner = answer.json().get("errors", [{"error": answer.json()}])[0]["error"]
            assert inner["status"] == 507, answer.text
    assert not (data / "reserve").exists()
    os.unlink(data.parent / "more")


async def restart_on_a_full_disk(data: Path, known: dict[str, int], doubtful: set[str]) -> None:
    """With no byte left a start serves reads, and lets people sign in; writes are refused until there is room."""
    filler = data.parent / "filler"
    with contextlib.suppress(OSError):
        fill(filler, 0)
    for _ in range(2):  # the second start finds no reserve, and what the first one gave up
        async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:
            check(app.broker, known, doubtful)
            for entity_id in list(known)[:10]:
                assert (await http.get(f"{PATH}/{entity_id}")).status_code == 200
            assert (await http.get(f"{PATH}?type=Device&limit=100")).status_code == 200
            answer = await http.post("/ngsi-ld/v1/entityOperations/upsert", json=[device(1, 5000)])
            inner = answer.json().get("errors", [{"error": answer.json()}])[0]["error"]
            assert inner["status"] == 507, answer.text
            assert not (data / "reserve").exists()
    filler.unlink()
    async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:
        answer = await http.post("/ngsi-ld/v1/entityOperations/upsert", json=[device(1, 6000)])
        assert answer.status_code < 300, answer.text
        assert (data / "reserve").stat().st_size == 8 << 20  # made again


def check(broker: object, known: dict[str, int], doubtful: set[str]) -> None:
    """What was acknowledged is there."""
    for entity_id, step in known.items():
        got = value(broker.get(entity_id, FULL_ACCESS), "counter")  # type: ignore[attr-defined]
        assert got == step or entity_id in doubtful, (entity_id, got, step)


def main() -> None:
    root = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(root)], check=True)
    if os.statvfs(root).f_blocks * os.statvfs(root).f_frsize > 64 << 20:
        raise SystemExit("the small disk is not small")
    told = io.StringIO()
    configure("info", "text")
    logging.getLogger().handlers[0].setStream(told)  # type: ignore[attr-defined]
    asyncio.run(work(root / "data"))
    print(told.getvalue(), file=sys.stderr)
    assert "Traceback" not in told.getvalue()


if __name__ == "__main__":
    main()
