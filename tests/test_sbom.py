"""The bill of materials names what the lock files pin, and says so where a lock file cannot be read."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _locked(root: Path) -> set[str]:
    """Package URLs of both lock files, read without the script's own code."""
    pins = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;\\]+)", (root / "requirements.lock").read_text(), re.M
    )
    python = {f"pkg:pypi/{name.lower()}@{version}" for name, version in pins}
    packages = json.loads((root / "web" / "package-lock.json").read_text())["packages"]
    names = {
        (place.rpartition("node_modules/")[2], one["version"]) for place, one in packages.items() if place
    }
    return python | {f"pkg:npm/{name.replace('@', '%40')}@{version}" for name, version in names}


def test_names_every_locked_package_once_with_a_digest(sbom: ModuleType) -> None:
    """Law: the packages of the bill are the packages of the lock files; the bill is valid and always the same."""
    text = sbom.bill(ROOT)
    components = json.loads(text)["components"]
    assert {one["purl"] for one in components} == _locked(ROOT)
    assert len({one["bom-ref"] for one in components}) == len(components)
    assert all(one["hashes"] for one in components)
    assert text == sbom.bill(ROOT)


@pytest.mark.parametrize("line", ["somepackage>=1.0", "-e .", "https://example.com/x.whl"])
def test_refuses_what_is_not_pinned(sbom: ModuleType, tmp_path: Path, line: str) -> None:
    (tmp_path / "web").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "web/package-lock.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write(f"{line}\n")
    with pytest.raises(sbom.LockError, match=re.escape(line)):
        sbom.bill(tmp_path)
