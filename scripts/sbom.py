"""``make sbom``: write a software bill of materials (CycloneDX 1.6, JSON) from both lock files.

``sbom.py [OUT]`` reads ``requirements.lock`` (Python, with the SHA-256 of every file that may be installed) and
``web/package-lock.json`` (npm, with its integrity digest) and names each package with version, package URL, hashes and
licence. What only builds or tests the screens has the scope ``excluded``: it is not in the wheel. The licence of a Python
package comes from its installed metadata and is left out where the package is not installed here.

The result is the same for the same lock files: no time, and a serial number derived from the content. It is validated
against the CycloneDX schema before it is written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:(?P<digest>[0-9a-f]{64})")
_LICENCE = LicenseFactory()


class LockError(Exception):
    """A lock file holds a line that names no pinned package."""


def python_packages(lock: Path) -> Iterator[Component]:
    """The packages of a pip lock file. Raises LockError for a line that is neither a pin, a hash nor a comment."""
    name = version = ""
    digests: list[str] = []
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        text = line.strip()
        pin = PINNED.match(text)
        if pin is not None:
            if name:
                yield _python(name, version, digests)
            name, version, digests = pin["name"], pin["version"], []
        digest = HASH.search(text)
        if digest is not None:
            digests.append(digest["digest"])
        elif pin is None and text and not text.startswith("#"):
            raise LockError(
                f"{lock.name}:{number}: {text!r} is neither 'name==version', '--hash=sha256:…' nor a comment"
            )
    if name:
        yield _python(name, version, digests)


def _python(name: str, version: str, digests: list[str]) -> Component:
    url = PackageURL("pypi", None, re.sub(r"[-_.]+", "-", name).lower(), version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=url,
        bom_ref=str(url),
        scope=ComponentScope.REQUIRED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in digests],
        licenses=[_LICENCE.make_from_string(found)] if (found := _installed_licence(name)) else [],
    )


def _installed_licence(name: str) -> str:
    """The licence that an installed package names: an SPDX expression, a short name, or "" where it has neither."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return ""
    named = found.get("License-Expression") or found.get("License") or ""
    if 0 < len(named) <= 60 and "\n" not in named:
        return named
    kinds = [
        one.rpartition(" :: ")[2] for one in found.get_all("Classifier", []) if one.startswith("License :: ")
    ]
    return kinds[0] if kinds else ""


def npm_packages(lock: Path) -> Iterator[Component]:
    """The packages of an npm lock file of version 2 or 3, nested copies included. Raises LockError for another version."""
    content: dict[str, Any] = json.loads(lock.read_text())
    if content.get("lockfileVersion") not in (2, 3):
        raise LockError(
            f"{lock.name}: lockfileVersion must be 2 or 3, not {content.get('lockfileVersion')!r}"
        )
    seen: set[str] = set()
    for place, one in content["packages"].items():
        if not place or one.get("link"):
            continue
        name = one.get("name") or place.rpartition("node_modules/")[2]
        group, _, short = name.rpartition("/")
        url = PackageURL("npm", group or None, short, one["version"])
        if str(url) in seen:
            continue
        seen.add(str(url))
        yield Component(
            type=ComponentType.LIBRARY,
            group=group or None,
            name=short,
            version=one["version"],
            purl=url,
            bom_ref=str(url),
            scope=ComponentScope.EXCLUDED if one.get("dev") else ComponentScope.REQUIRED,
            hashes=_integrity(one.get("integrity", "")),
            licenses=[_LICENCE.make_from_string(one["license"])] if one.get("license") else [],
        )


def _integrity(text: str) -> list[HashType]:
    """The digests of a Subresource Integrity text, such as ``sha512-…``."""
    found = []
    for part in text.split():
        kind, _, digest = part.partition("-")
        algorithm = {
            "sha512": HashAlgorithm.SHA_512,
            "sha384": HashAlgorithm.SHA_384,
            "sha256": HashAlgorithm.SHA_256,
        }
        if kind in algorithm:
            found.append(HashType(alg=algorithm[kind], content=base64.b64decode(digest).hex()))
    return found


def bill(root: Path = ROOT) -> str:
    """The bill of materials as JSON, valid under the CycloneDX schema. Raises LockError."""
    locks = (root / "requirements.lock", root / "web" / "package-lock.json")
    version = re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(), re.M)
    own = PackageURL("pypi", None, "andaman", version[1] if version else None)
    bom = Bom(
        serial_number=uuid.UUID(
            bytes=hashlib.sha256(b"".join(one.read_bytes() for one in locks)).digest()[:16], version=4
        )
    )
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION,
        name="andaman",
        version=own.version,
        purl=own,
        bom_ref=str(own),
        licenses=[_LICENCE.make_from_string("Apache-2.0")],
    )
    for component in (*python_packages(locks[0]), *npm_packages(locks[1])):
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, bom.components)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    del content["metadata"]["timestamp"]
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise LockError(f"The bill is not valid CycloneDX 1.6: {fault}")
    return text


def main() -> int:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "sbom.cdx.json"
    try:
        text = bill()
    except LockError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    out.write_text(text)
    print(f"{out}: {len(json.loads(text)['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
