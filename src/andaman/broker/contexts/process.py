"""Context processing of JSON-LD 1.1 (API §4.1, §4.2) as far as NGSI-LD uses it, with limits on everything.

Left out on purpose: @base (ids are absolute URIs), @language and @direction (LanguageProperty does that), scoped
contexts (CIM 009 §5.5.7 forbids them) and @reverse terms.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from andaman.broker.contexts.bundled import CORE_PATTERN, core_scoped, is_core
from andaman.broker.contexts.model import MAX_IRI, Context, Term
from andaman.kernel.addresses import bare_url
from andaman.kernel.errors import BadRequestData, LdContextNotAvailable

Load = Callable[[str], Any]
"""URL → parsed JSON document. Raises LdContextNotAvailable."""

MAX_TERMS: Final = 50_000
MAX_DOCUMENTS: Final = 32
MAX_DEPTH: Final = 16
LOCAL_PATH: Final = "/ngsi-ld/"
"""Contexts of this platform may be named by their path alone."""
_CONTEXT_KEYWORDS: Final = frozenset(
    {"@version", "@vocab", "@base", "@language", "@direction", "@propagate", "@protected", "@import"}
)
_DEFINITION_KEYWORDS: Final = frozenset(
    {"@id", "@type", "@container", "@language", "@direction", "@prefix"}
    | {"@protected", "@nest", "@index", "@reverse", "@context"}
)
_KEYWORDS: Final = (
    _CONTEXT_KEYWORDS
    | _DEFINITION_KEYWORDS
    | {"@graph", "@included", "@json", "@list", "@none", "@set", "@value"}
)
_KEYWORD_LIKE: Final = re.compile(r"@[A-Za-z]+")
_DELIMITERS: Final = frozenset(":/?#[]@")


class Processor:
    """One resolution: an active context that grows as local contexts are applied, under one budget."""

    def __init__(self, load: Load, deadline_s: float | None = None) -> None:
        self._load = load
        self._deadline = None if deadline_s is None else time.monotonic() + deadline_s
        self._documents = 0
        self._defined = 0
        self.terms: dict[str, Term] = {}
        self.vocab: str | None = None
        self.has_core = False

    def apply(self, local: Any, base: str = "", chain: tuple[str, ...] = ()) -> None:
        """Apply one @context value: URL, object, null or a list of these."""
        if len(chain) > MAX_DEPTH:
            raise BadRequestData(f"The @context refers to other contexts more than {MAX_DEPTH} deep")
        for one in local if isinstance(local, list) else [local]:
            if one is None:
                self.terms, self.vocab = {}, None
            elif isinstance(one, str):
                self._apply_url(one, base, chain)
            elif isinstance(one, dict):
                self._apply_object(one, base, chain)
            else:
                raise BadRequestData("An @context must be a URL, an object, null or a list of these")

    def _apply_url(self, url: str, base: str, chain: tuple[str, ...]) -> None:
        absolute = urljoin(base, url) if base else url
        if not absolute.startswith(LOCAL_PATH) and _scheme(absolute) not in ("http", "https"):
            raise BadRequestData(f"The @context {bare_url(url)[:200]!r} is not an absolute http(s) URL")
        if absolute in chain:
            raise BadRequestData(f"The @context {absolute} includes itself")
        document = self._document(absolute)
        if not isinstance(document, dict) or "@context" not in document:
            raise BadRequestData(f"The document at {absolute[:200]} has no @context")
        self.has_core = self.has_core or CORE_PATTERN.fullmatch(absolute) is not None
        self.apply(document["@context"], absolute, (*chain, absolute))

    def _document(self, url: str) -> Any:
        """Each document counts, from any reference to it, and none is fetched when the time is over."""
        self._documents += 1
        if self._documents > MAX_DOCUMENTS:
            raise BadRequestData(f"The @context refers to more than {MAX_DOCUMENTS} documents")
        self._check_time()
        return self._load(url)

    def _check_time(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise LdContextNotAvailable("The @context took too long to process")

    def _apply_object(self, local: dict[str, Any], base: str, chain: tuple[str, ...]) -> None:
        if local.get("@version", 1.1) != 1.1:
            raise BadRequestData("The @version of an @context must be 1.1")
        if "@import" in local:
            local = self._imported(local, base, chain)
        if "@vocab" in local:
            self.vocab = self._vocab(local["@vocab"])
        if any(isinstance(one, dict) and "@context" in one for one in local.values()):
            local = _without_core_scopes(local)
        done: dict[str, bool] = {}
        for term in local:
            if term not in _CONTEXT_KEYWORDS:
                self._define(term, local, done, 0)

    def _imported(self, local: dict[str, Any], base: str, chain: tuple[str, ...]) -> dict[str, Any]:
        target = local["@import"]
        if not isinstance(target, str):
            raise BadRequestData("The @import of an @context must be a URL")
        absolute = urljoin(base, target) if base else target
        if absolute in chain or len(chain) >= MAX_DEPTH:
            raise BadRequestData(f"The @context {absolute} includes itself")
        if not absolute.startswith(LOCAL_PATH) and _scheme(absolute) not in ("http", "https"):
            raise BadRequestData(f"The @import {absolute[:200]!r} is not an absolute http(s) URL")
        document = self._document(absolute)
        inner = document.get("@context") if isinstance(document, dict) else None
        if not isinstance(inner, dict) or "@import" in inner:
            raise BadRequestData(f"The @import {absolute} must hold one @context object without @import")
        return {**inner, **{name: value for name, value in local.items() if name != "@import"}}

    def _vocab(self, value: Any) -> str | None:
        if value is None:
            return None
        expanded = self._iri(value, {}, {}, 0) if isinstance(value, str) and value else None
        if expanded is None or ":" not in expanded:
            raise BadRequestData("The @vocab of an @context must be an IRI")
        return expanded

    def _define(self, term: str, local: dict[str, Any], done: dict[str, bool], depth: int) -> None:
        if term in done:
            if done[term]:
                return
            raise BadRequestData(f"The @context defines {term!r} by itself")
        self._count(depth)
        if not term:
            raise BadRequestData("The @context defines an empty term")
        done[term] = False
        value = local[term]
        if term in _KEYWORDS:
            if term == "@type" and isinstance(value, dict) and set(value) <= {"@container", "@protected"}:
                done[term] = True
                return
            raise BadRequestData(f"The @context redefines the keyword {term}")
        if _KEYWORD_LIKE.fullmatch(term) is None:  # terms that look like keywords are kept for the future
            self.terms.pop(term, None)
            definition = self._definition(term, value, local, done, depth)
            if definition is not None:
                self.terms[term] = definition
        done[term] = True

    def _count(self, depth: int) -> None:
        self._defined += 1
        if self._defined > MAX_TERMS:
            raise BadRequestData(f"The @context has more than {MAX_TERMS} terms")
        if depth > 64:
            raise BadRequestData("The terms of the @context build on one another more than 64 deep")
        if self._defined % 512 == 0:
            self._check_time()

    def _definition(
        self, term: str, value: Any, local: dict[str, Any], done: dict[str, bool], depth: int
    ) -> Term | None:
        simple = isinstance(value, str)
        if value is None or (isinstance(value, dict) and "@id" in value and value["@id"] is None):
            return Term(None)
        if not simple and not isinstance(value, dict):
            raise BadRequestData(f"The @context defines {term!r} by neither a text nor an object")
        full: dict[str, Any] = {"@id": value} if simple else value
        if not set(full) <= _DEFINITION_KEYWORDS:
            odd = sorted(set(full) - _DEFINITION_KEYWORDS)[0]
            raise BadRequestData(f"The definition of {term!r} has the unknown member {odd[:80]!r}")
        if "@context" in full:
            raise BadRequestData(f"The term {term!r} has a scoped context, which NGSI-LD does not allow")
        if "@reverse" in full:
            raise BadRequestData(f"The term {term!r} is a reverse property, which NGSI-LD does not have")
        coercion = self._coercion(term, full, local, done, depth)
        iri, may_prefix = self._mapping(term, full, local, done, depth, simple)
        if iri is None:
            return None
        if len(iri) > MAX_IRI:
            raise BadRequestData(f"The IRI of {term[:80]!r} has more than {MAX_IRI} characters")
        if "@prefix" in full:
            if not isinstance(full["@prefix"], bool) or ":" in term or "/" in term:
                raise BadRequestData(f"The @prefix of {term!r} is not valid")
            may_prefix = full["@prefix"]
        return Term(iri, may_prefix, coercion)

    def _coercion(
        self, term: str, full: dict[str, Any], local: dict[str, Any], done: dict[str, bool], depth: int
    ) -> str | None:
        if "@type" not in full:
            return None
        kind = full["@type"]
        expanded = self._iri(kind, local, done, depth) if isinstance(kind, str) else None
        if expanded is None or (expanded not in ("@id", "@vocab", "@json", "@none") and ":" not in expanded):
            raise BadRequestData(f"The @type of the term {term!r} is not valid")
        return expanded

    def _mapping(
        self,
        term: str,
        full: dict[str, Any],
        local: dict[str, Any],
        done: dict[str, bool],
        depth: int,
        simple: bool,
    ) -> tuple[str | None, bool]:
        """The IRI of a term and whether it may be a prefix by itself; None: the definition is ignored."""
        given = full.get("@id", term)
        if not isinstance(given, str):
            raise BadRequestData(f"The @id of the term {term!r} must be a text")
        if given != term:
            if given not in _KEYWORDS and _KEYWORD_LIKE.fullmatch(given):
                return None, False
            iri = self._iri(given, local, done, depth)
            if iri is None or (":" not in iri and iri not in _KEYWORDS) or iri == "@context":
                raise BadRequestData(f"The @context maps {term!r} to {given[:200]!r}, which is not an IRI")
            plain = ":" not in term and "/" not in term
            # JSON-LD wants a term with a colon to expand to itself; published data models break that: theirs wins.
            return iri, plain and simple and (iri[-1] in _DELIMITERS or iri.startswith("_:"))
        if ":" in term[1:]:
            prefix, _, suffix = term.partition(":")
            if prefix in local and not suffix.startswith("//"):
                self._define(prefix, local, done, depth + 1)
            definition = self.terms.get(prefix)
            base = None if definition is None else definition.iri
            return (term if base is None else base + suffix), False
        if self.vocab is None:
            raise BadRequestData(f"The @context does not say which IRI {term!r} stands for")
        return self.vocab + term, False

    def _iri(self, value: str, local: dict[str, Any], done: dict[str, bool], depth: int) -> str | None:
        """IRI expansion with vocab (JSON-LD API §5.2), defining terms of ``local`` on the way."""
        if value in _KEYWORDS:
            return value
        if _KEYWORD_LIKE.fullmatch(value):
            return None
        if value in local and not done.get(value, False) and value not in _CONTEXT_KEYWORDS:
            self._define(value, local, done, depth + 1)
        term = self.terms.get(value)
        if term is not None:
            return term.iri
        prefix, colon, suffix = value.partition(":")
        if colon and prefix:
            if prefix == "_" or suffix.startswith("//"):
                return value
            if prefix in local and not done.get(prefix, False):
                self._define(prefix, local, done, depth + 1)
            definition = self.terms.get(prefix)
            if definition is not None and definition.prefix and definition.iri is not None:
                return definition.iri + suffix
            return value
        return None if self.vocab is None else self.vocab + value


def _without_core_scopes(local: dict[str, Any]) -> dict[str, Any]:
    """ETSI's own core context "contains JSON-LD Scoped Contexts" (§4.4), user contexts must not (§5.5.7). A copy of it, by
    itself or among a user's terms, is known by its content; its terms are the core's anyway, so the scopes say nothing."""
    whole = is_core(local)
    known = core_scoped()
    found: dict[str, Any] = {}
    for term, one in local.items():
        if isinstance(one, dict) and "@context" in one and (whole or one == known.get(term)):
            one = {name: value for name, value in one.items() if name != "@context"}
        found[term] = one
    return found


def _scheme(url: str) -> str:
    """The scheme of a URL, "" where it is not a URL at all."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def build_context(source: Any, load: Load, core: Any, link: str, deadline_s: float | None = None) -> Context:
    """Resolve ``source`` (an @context value, None for none) with the core context on top.

    Raises BadRequestData where a context is not valid, LdContextNotAvailable where one cannot be had.
    """
    processor = Processor(load, deadline_s)
    if source is not None:
        processor.apply(source)
    terms = processor.terms
    core_processor = Processor(load)
    core_processor.apply(core)
    terms.update(core_processor.terms)
    return Context(terms, core_processor.vocab, source, link, processor.has_core)
