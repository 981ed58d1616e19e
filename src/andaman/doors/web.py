"""The screens: the built files of web/, served with a strict policy. No file of another origin is ever needed.

Names under /assets/ carry a hash of their content, so browsers may keep them for ever; ``index.html`` is asked for
again each time, so that an upgrade shows at once. Every other path without a file is the one-page app itself.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.doors import ANYONE, BoundDoor, DoorEntry, Tenancy
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.http import problem_response
from andaman.room import Built, NoSettings, Room, Site

STATIC: Final = Path(__file__).resolve().parent.parent / "web" / "static"
"""The directory in which ``scripts/build_ui.py`` puts the built screens; part of the wheel."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # icons in MapLibre's style sheet; images the map draws itself
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
ASSETS: Final = "assets/"
_TYPES: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
_MISSING: Final = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>Andaman</title>"
    "<h1>The screens are not built</h1><p>Run <code>python scripts/build_ui.py</code> in the source tree, "
    "or install the released wheel. The APIs work without them.</p></html>"
)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    etag: str


class Screens:
    """The built files, read once into memory (about 5 MB) and again when they were rebuilt."""

    def __init__(self, directory: Path = STATIC, machines: Sequence[str] = ()) -> None:
        """``machines``: prefixes that belong to other doors: an unknown address there is a 404, never the app."""
        self.directory = directory
        self._machines = machines
        self._files: dict[str, _File] = {}
        self._stamp: int = -1

    def _load(self) -> dict[str, _File]:
        index = self.directory / "index.html"
        try:
            stamp = index.stat().st_mtime_ns
        except OSError:
            return {}
        if stamp != self._stamp:
            self._files = {
                path.relative_to(self.directory).as_posix(): _read(path)
                for path in sorted(self.directory.rglob("*"))
                if path.is_file() and not path.name.startswith(".")
            }
            self._stamp = stamp
        return self._files

    def answer(self, path: str, if_none_match: str = "") -> Response:
        """The response for a path without its leading slash."""
        files = self._load()
        found = files.get(path)
        if found is None:
            if path.startswith((ASSETS, *self._machines)):
                return problem_response(ResourceNotFound(f"Nothing answers at /{path}"))
            found = files.get("index.html")
            path = "index.html"
        if found is None:
            return Response(_MISSING, 503, HEADERS, "text/html; charset=utf-8")
        headers = {
            **HEADERS,
            "ETag": found.etag,
            "Cache-Control": FOREVER if path.startswith(ASSETS) else ASK_AGAIN,
        }
        if found.etag in (tag.strip() for tag in if_none_match.split(",")):
            return Response(None, 304, headers)
        return Response(found.body, 200, headers, found.media_type)


def _read(path: Path) -> _File:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


_PAGE: Final = DoorEntry("GET", "/{path:path}", Tenancy.NONE, ANYONE)


def routes(directory: Path = STATIC, machines: Sequence[str] = ()) -> list[BoundDoor]:
    """GET and HEAD of everything that no other room answers; put these routes last."""
    screens = Screens(directory, machines)

    async def page(request: Request) -> Response:
        path = request.path_params.get("path", "")
        return screens.answer(path, request.headers.get("if-none-match", ""))

    return [_PAGE.to(page)]


def build(site: Site, settings: NoSettings) -> Built:
    return Built(doors=routes(machines=site.prefixes))


ROOM = Room("doors.web", build, of_broker=True)
