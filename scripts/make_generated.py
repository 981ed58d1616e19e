"""Write the files that are made from code: one function for each file, listed in OUTPUTS. ``--check`` only compares them.

python scripts/make_generated.py
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import andaman
from andaman.app import build
from andaman.command.core.entries import HAPPENINGS
from andaman.kernel.errors import AndamanError
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words, kinds_of
from andaman.rooms import PERMISSIONS
from andaman.settings import load_settings

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from api_ts import api_ts  # noqa: E402
from vocabulary_files import context_jsonld, vocabulary_md  # noqa: E402
from vocabulary_ts import codes_ts, vocabulary_ts  # noqa: E402

_HEAD: Final = "/** Made from {source} by `make generated`. Do not edit. */\n"


def error_classes() -> list[type[AndamanError]]:
    """Every error class of the platform with a code of its own, by code. Imports every module."""
    for module in pkgutil.walk_packages(andaman.__path__, "andaman."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {one for one in _below(AndamanError) if "code" in vars(one)}
    return sorted(found, key=lambda one: (one.code, one.__qualname__))


def _below(base: type[AndamanError]) -> Iterator[type[AndamanError]]:
    """The class and its subclasses in the platform; those of tests are not."""
    if base.__module__.startswith("andaman."):
        yield base
    for one in base.__subclasses__():
        yield from _below(one)


def _sentence(words: Words, params: dict[str, str] | None) -> str:
    members: dict[str, object] = {**words.json()}
    if params is not None:
        members["params"] = params
    return json.dumps(members, ensure_ascii=False)


def problems_ts() -> str:
    """Code → words, and what each parameter is. A code of a whole class of errors has no ``params``."""
    lines = [
        _HEAD.format(source="the error classes in src/andaman"),
        "export type ParamKind = 'name' | 'names' | 'state' | 'states' | 'field' | 'time' | 'day' | 'number' | 'text';\n",
        "export interface ProblemWords {\n  readonly th: string;\n  readonly en: string;\n",
        "  readonly params?: Readonly<Record<string, ParamKind>>;\n}\n\n",
        "export const problems: Readonly<Record<string, ProblemWords>> = {\n",
    ]
    for one in error_classes():
        params = kinds_of(one, one.parameters) if issubclass(one, Refusal) else None
        lines.append(f"  {json.dumps(one.code)}: {_sentence(one.words, params)},\n")
    return "".join([*lines, "};\n"])


def timeline_ts() -> str:
    """Code of a timeline entry → words, and what each parameter is."""
    lines = [
        _HEAD.format(source="HAPPENINGS in src/andaman/command/core/entries.py"),
        "import type { ProblemWords } from './problems';\n\n",
        "export const timeline: Readonly<Record<string, ProblemWords>> = {\n",
    ]
    for one in HAPPENINGS:
        params = kinds_of(one, [each.name for each in fields(one)])
        lines.append(f"  {json.dumps(one.code)}: {_sentence(one.words, params)},\n")
    return "".join([*lines, "};\n"])


def typed_api_ts() -> str:
    """Types of answers and of bodies, from every module."""
    error_classes()
    return api_ts()


def prefixes_json() -> str:
    """First parts of the paths that machines use: the screens' router and development server leave them alone."""
    with TemporaryDirectory() as directory:
        prefixes = build(load_settings({"data": directory}, environ={})).site.prefixes
    return json.dumps([f"/{prefix.rstrip('/')}" for prefix in prefixes], indent=2) + "\n"


def permissions_ts() -> str:
    """Permission → what it lets people do."""
    lines = [
        _HEAD.format(source="the permissions that rooms declare (permissions.py in src/andaman)"),
        "export const permissions = {\n",
    ]
    for name, one in sorted(PERMISSIONS.items()):
        lines.append(f"  {json.dumps(name)}: {json.dumps(one.words.json(), ensure_ascii=False)},\n")
    return "".join([*lines, "} as const;\n\nexport type Permission = keyof typeof permissions;\n"])


OUTPUTS: Final[dict[str, Callable[[], str]]] = {
    "web/src/generated/vocabulary.ts": vocabulary_ts,
    "web/src/generated/codes.ts": codes_ts,
    "docs/vocabulary.md": vocabulary_md,
    "src/andaman/broker/contexts/data/andaman.jsonld": context_jsonld,
    "web/src/generated/problems.ts": problems_ts,
    "web/src/generated/timeline.ts": timeline_ts,
    "web/src/generated/permissions.ts": permissions_ts,
    "web/src/generated/api.ts": typed_api_ts,
    "web/src/generated/prefixes.json": prefixes_json,
}


def main(check: bool) -> int:
    """The number of files that were not up to date."""
    changed = 0
    for name, make in OUTPUTS.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text("utf-8") == text:
            continue
        changed += 1
        print(f"{name} {'is not up to date; run make generated' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return changed


if __name__ == "__main__":
    checking = "--check" in sys.argv[1:]
    outdated = main(checking)
    sys.exit(1 if checking and outdated else 0)
