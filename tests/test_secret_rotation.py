"""Law: rotation of the key leaves everything as readable as it was, also when it is killed; the former key opens nothing after it."""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.registry.store import REGISTRATIONS, RegistryStore
from andaman.broker.subscriptions.model import Owner
from andaman.broker.subscriptions.store import Record, SubscriptionStore
from andaman.cli import main
from andaman.kernel.errors import Unavailable
from andaman.kernel.sealing import read_keys, unseal
from andaman.kernel.secrets import KIND, Secrets
from andaman.kernel.tables import Store
from andaman.maintenance import backup_into, examine
from andaman.maintenance.secrets import rotate, uses
from andaman.rooms import STORES
from andaman.settings import Settings, load_settings

from .support import platform, run

MARK = "MARK-55d0ee"
COUNT = 40


def chosen(data: Path, **more: Any) -> Settings:
    return load_settings({"data": str(data), "port": 0, **more}, environ={})


def fill(data: Path) -> None:
    """Secrets, subscriptions (also on a snapshot) and registrations with a text of their own each."""
    secrets = Secrets(data)
    for n in range(COUNT):
        secrets.set(f"s{n}", f"{MARK}-s{n}", ["h"])
    for place in (data, data / "snapshots" / ("a" * 24)):
        place.mkdir(parents=True, exist_ok=True)
        subscriptions = SubscriptionStore(place / "subscriptions.db", secrets)
        for n in range(COUNT):
            info = [{"key": "Authorization", "value": f"{MARK}-{place.name}{n}"}]
            content = {"notification": {"endpoint": {"uri": f"mqtt://u:{MARK}@h/t{n}", "receiverInfo": info}}}
            subscriptions.add(Record("", f"urn:s:{n}", f"k{n}", content, {}, Owner("user:x"), 1, 1, 0))
        subscriptions.close()
    registry = RegistryStore(data / "registry.db", secrets)
    for n in range(COUNT):
        info = [{"key": "X-Key", "value": f"{MARK}-r{n}"}, {"key": "X-Other", "value": "secret:s1"}]
        registry.put(
            REGISTRATIONS, "", {"id": f"urn:r:{n}", "endpoint": "http://h", "contextSourceInfo": info}
        )
    registry.close()
    secrets.close()


def everything(data: Path) -> dict[str, str]:
    """All texts, as those who need them get them."""
    secrets = Secrets(data)
    found = {one.name: secrets.reveal(one.name, "h", 1) for one in secrets.list_all()}
    for place in (data, data / "snapshots" / ("a" * 24)):
        subscriptions = SubscriptionStore(place / "subscriptions.db", secrets)
        for record in subscriptions.load()[1]:
            endpoint = record.content["notification"]["endpoint"]
            found[f"{place.name} {record.id}"] = endpoint["uri"] + endpoint["receiverInfo"][0]["value"]
        subscriptions.close()
    registry = RegistryStore(data / "registry.db", secrets)
    found |= {doc["id"]: doc["contextSourceInfo"][0]["value"] for _, doc in registry.load(REGISTRATIONS)}
    registry.close()
    secrets.close()
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("filled") / "data"
    fill(data)
    return data


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data")
    shutil.copy(f"{filled}.key", tmp_path / "data.key")
    return tmp_path / "data"


def tokens(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_everything_reads_as_before_and_nothing_is_left_of_the_former_key(data: Path) -> None:
    before, (former,) = everything(data), read_keys(Path(f"{data}.key"))
    assert len(before) == 4 * COUNT
    assert former.id.encode() in tokens(data)
    assert "holds a new key" in rotate(chosen(data))
    (key,) = read_keys(Path(f"{data}.key"))
    assert key != former
    assert everything(data) == before
    assert former.id.encode() not in tokens(data)
    store = Store(data / KIND.file, KIND)
    token = store.rows("SELECT sealed FROM secret WHERE name='s1'")[0][0]
    store.close()
    with pytest.raises(LookupError):
        unseal(token, [former], "secret s1")


def test_a_kill_at_any_moment_loses_nothing(data: Path) -> None:
    """ANDAMAN_KILLS: how many."""
    before, dice = everything(data), random.Random(11)
    for _ in range(int(os.environ.get("ANDAMAN_KILLS", "6"))):
        worker = subprocess.Popen(
            [sys.executable, "-P", "-c", "import sys; from pathlib import Path; from andaman.maintenance.secrets import rotate; "
             "from tests.test_secret_rotation import chosen; s = chosen(Path(sys.argv[1])); print('go', flush=True); rotate(s)", str(data)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(dice.random() * 0.4)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert everything(data) == before
    rotate(chosen(data))
    assert len(read_keys(Path(f"{data}.key"))) == 1
    assert everything(data) == before
    secrets = Secrets(data)
    assert secrets.warning() == secrets.trouble() == ""
    secrets.close()
    assert sorted(path.name for path in data.parent.iterdir() if path.name.startswith(".")) in (
        [],
        [".data.key.part"],
    )


def test_a_running_platform_keeps_its_key(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path / "data") as app:
            app.get(Secrets).set("one", MARK, ["h"])
            with pytest.raises(Unavailable, match="is in use by process"):
                rotate(chosen(tmp_path / "data"))

    run(work)


def findings(data: Path, **more: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in examine(chosen(data, **more), STORES):
        if one.subject == "secrets":
            found.setdefault(one.level, []).append(one.text)
    return found


def test_the_doctor_says_what_does_not_open_and_what_is_not_set(data: Path) -> None:
    assert list(findings(data)) == ["ok"]
    assert f"opens all {6 * COUNT} secrets" in findings(data)["ok"][0]
    url = "mqtt://u:secret:unset@h:1"
    assert "The secret unset is not set, and setting mqtt_url" in findings(data, mqtt_url=url)["warning"][0]
    Path(f"{data}.key").rename(f"{data}.away")
    key, closed = findings(data)["problem"]
    assert "is missing" in key
    assert "the secret s0 (and" in closed
    Path(f"{data}.away").rename(f"{data}.key")
    Path(f"{data}.key").chmod(0o640)
    assert "chmod 600" in findings(data)["warning"][0]


def test_uses_are_listed_and_a_secret_in_use_is_not_deleted_by_mistake(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert uses(chosen(data)) == {"s1": [f"registration urn:r:{n}" for n in sorted(range(COUNT), key=str)]}
    assert main(["secret", "delete", "s1", "--data", str(data)]) == 1
    assert "s1 is used by registration urn:r:0" in capsys.readouterr().err
    assert main(["secret", "delete", "s1", "--anyway", "--data", str(data)]) == 0
    assert main(["secret", "list", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert "s1  NOT SET  used by registration urn:r:0" in said.out
    assert "s0  set" in said.out
    assert MARK not in said.out + said.err


def test_a_restore_asks_for_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, copies, again = tmp_path / "data", tmp_path / "copies", tmp_path / "x" / "again"
    monkeypatch.setattr("sys.stdin", io.StringIO(MARK))

    async def work() -> None:
        async with platform(data) as app:
            app.get(Secrets).set("one", MARK, ["h"])

    run(work)
    backup_into(data, copies)
    assert main(["restore", str(copies), "--data", str(again)]) == 0
    assert f"Copy the key of the former directory to {again}.key" in capsys.readouterr().err
    assert main(["secret", "rotate", "--data", str(again)]) == 1
    assert "is missing" in capsys.readouterr().err
    shutil.copy(f"{data}.key", f"{again}.key")
    assert main(["secret", "rotate", "--data", str(again)]) == 0
    secrets = Secrets(again)
    assert secrets.reveal("one", "h", 1) == MARK
    secrets.close()
