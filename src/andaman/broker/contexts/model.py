"""A resolved @context: names ↔ IRIs by dictionary look-up (CIM 009 §4.4, §5.5.7)."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from andaman.broker.model import DEFAULT_VOCAB
from andaman.kernel.errors import BadRequestData

CORE_URL: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
_serials = itertools.count(1)
MEMO_MAX: Final = 4_096
MEMO_NAME: Final = 128
"""What requests make up is remembered only as long as it looks like a name that comes again."""
_NAME: Final = re.compile(r"[^\W\d_]\w*")
_IRI_NAME: Final = re.compile(r"[^\W\d_][\w+.\-]*:[^\s<>\"'=;(){}|\\^`\x00-\x20\x7f]+")
_NAME_MAX: Final = 1024
MAX_IRI: Final = 2048
_NULL: Final = "urn:ngsi-ld:null"


def is_name(text: str) -> bool:
    """A letter, then letters, digits and _ (§4.6.2), with the vowel and tone marks that scripts such as Thai need."""
    if _NAME.fullmatch(text) is not None:
        return True
    return (
        not text.isascii()
        and _NAME.fullmatch("".join(filter(_no_mark, text))) is not None
        and text[0].isalpha()
    )


def is_iri_name(text: str) -> bool:
    """An absolute IRI (or a compact one) that may stand as the name of a type or an attribute."""
    return _IRI_NAME.fullmatch(text) is not None


def _no_mark(char: str) -> bool:
    return unicodedata.category(char)[0] != "M"


class Term(NamedTuple):
    """One term definition. ``iri`` is None where the context maps the term to null."""

    iri: str | None
    prefix: bool = False  # may be the prefix of a compact IRI
    coercion: str | None = None  # @type of the definition, expanded


class _Iris(dict[str, str]):
    """Name → IRI, filled as names are met; invalid names raise BadRequestData and are not kept."""

    __slots__ = ("context",)

    def __missing__(self, name: str) -> str:
        iri = self.context._expand(name)
        if len(self) < MEMO_MAX and len(name) <= MEMO_NAME:
            self[name] = iri
        return iri

    context: Context


class _Shorts(dict[str, str]):
    """IRI → name, filled as IRIs are met."""

    __slots__ = ("context",)

    def __missing__(self, iri: str) -> str:
        name = self.context._compact(iri)
        if len(self) < MEMO_MAX and len(iri) <= 2 * MEMO_NAME:
            self[iri] = name
        return name

    context: Context


class _VocabShorts(dict[str, str]):
    """Stored value of a VocabProperty → text, filled as values are met."""

    __slots__ = ("context",)

    def __missing__(self, value: str) -> str:
        text = self.context._compact_vocab(value)
        if len(self) < MEMO_MAX and len(value) <= 2 * MEMO_NAME:
            self[value] = text
        return text

    context: Context


class Context:
    """An immutable resolved context, the core context included (always last, so its terms cannot be redefined).

    ``iris[name]`` and ``shorts[iri]`` are the fast paths behind ``expand_term`` and ``compact_iri``.
    ``source`` is what the requester gave: a URL, an object, a list, or None for the core context alone.
    """

    __slots__ = (
        "_inverse",
        "_prefixes",
        "_terms",
        "iris",
        "link",
        "member",
        "plain",
        "serial",
        "shorts",
        "source",
        "vocab",
        "vocab_shorts",
    )

    def __init__(
        self, terms: Mapping[str, Term], vocab: str | None, source: Any, link: str, has_core: bool = False
    ) -> None:
        self.serial = next(_serials)
        """No other context of this process has it: a cache keyed by it need not hold the context."""
        self.source = source
        self.link = link
        """URL to name in an answer's Link header."""
        self.vocab = DEFAULT_VOCAB if vocab is None else vocab
        self._terms = dict(terms)
        self._prefixes = [
            (name, term.iri) for name, term in self._terms.items() if term.prefix and term.iri is not None
        ]
        inverse: dict[str, str] = {}
        for name in sorted(self._terms, key=lambda n: (len(n), n)):
            iri = self._terms[name].iri
            if iri is not None and iri[0] != "@" and (is_name(name) or _IRI_NAME.fullmatch(name)):
                inverse.setdefault(iri, name)  # a term that is no name could be shown, but not be read back
        self._inverse = inverse
        self.iris = _Iris()
        self.iris.context = self
        self.shorts = _Shorts()
        self.shorts.context = self
        self.vocab_shorts = _VocabShorts()
        self.vocab_shorts.context = self
        self.plain: dict[str, str] = {}
        """Name → IRI of ordinary attributes that payloads had so far: expansion's own bounded memo."""
        self.member = _member(source, has_core)
        """The @context member of an application/ld+json answer."""

    @property
    def weight(self) -> int:
        """How many names it holds, a measure of its memory."""
        return len(self._terms) + len(self.iris) + len(self.shorts) + len(self.vocab_shorts) + len(self.plain)

    def expand_term(self, name: str) -> str:
        """The IRI of an attribute name, type name or vocabulary value.

        Raises BadRequestData where the name breaks CIM 009 §4.6.2 or the context maps it to null.
        """
        return self.iris[name]

    expand_type = expand_term

    def compact_iri(self, iri: str) -> str:
        """The shortest name for an IRI: a term, a name in the default vocabulary, a compact IRI, or the IRI."""
        return self.shorts[iri]

    def coercion(self, name: str) -> str | None:
        """The ``@type`` that the context gives to a term, such as "@vocab" or "@json". "@vocab" or "@json"."""
        term = self._terms.get(name)
        return None if term is None else term.coercion

    def term(self, name: str) -> Term | None:
        """The definition of a term, if the context has one."""
        return self._terms.get(name)

    def expand_vocab(self, text: str) -> str:
        """Expand a VocabProperty's value, which may be any text (§4.5.20): IRIs stay, terms are looked up.

        Texts that the context maps to null or to a keyword of JSON-LD (``id``, ``type``) are values like others here.
        ``vocab_shorts`` is the way back.
        """
        iri = self._to_iri(text)
        return self.vocab + text if iri is None or iri[0] == "@" else iri

    def _compact_vocab(self, value: str) -> str:
        """The shortest text that ``expand_vocab`` makes this value of."""
        if value[:1] == "@":  # kept so by versions before this one
            return next((name for name, term in self._terms.items() if term.iri == value), value)
        name = self._inverse.get(value)
        if name is not None:
            return name
        rest = value[len(self.vocab) :] if value.startswith(self.vocab) else ""
        if rest and self.expand_vocab(rest) == value:
            return rest
        short = self._compact(value)
        return short if self.expand_vocab(short) == value else value

    def _expand(self, name: str) -> str:
        if name == _NULL:
            raise BadRequestData(f"{_NULL} is the sign of deletion, not a name")
        if ":" in name:
            if len(name) > MAX_IRI or _IRI_NAME.fullmatch(name) is None:
                raise BadRequestData(
                    f"{name[:80]!r} is not a valid name: it is not an absolute or compact IRI"
                )
        elif len(name) > _NAME_MAX or not is_name(name):
            raise BadRequestData(
                f"{name[:80]!r} is not a valid name: it must begin with a letter and continue with letters, digits "
                "and _ only"
            )
        iri = self._to_iri(name)
        if iri is None:
            raise BadRequestData(f"The @context maps {name!r} to null")
        if iri[0] == "@":
            raise BadRequestData(f"{name!r} stands for JSON-LD's {iri} and cannot be a name here")
        if ":" in name or name in self._terms:
            rest = iri[len(self.vocab) :] if iri.startswith(self.vocab) else ""
            if len(iri) > MAX_IRI or not (is_name(rest) or _IRI_NAME.fullmatch(iri)):
                raise BadRequestData(
                    f"The @context maps {name[:80]!r} to {iri[:200]!r}, which is not an IRI that can be a name"
                )
        return iri

    def _to_iri(self, name: str) -> str | None:
        term = self._terms.get(name)
        if term is not None:
            return term.iri
        prefix, colon, suffix = name.partition(":")
        if colon:
            if not suffix.startswith("//"):
                definition = self._terms.get(prefix)
                if definition is not None and definition.prefix and definition.iri is not None:
                    return definition.iri + suffix
            return name
        return self.vocab + name

    def _compact(self, iri: str) -> str:
        name = self._inverse.get(iri)
        if name is not None:
            return name
        vocab = self.vocab
        if iri.startswith(vocab) and len(iri) > len(vocab):
            rest = iri[len(vocab) :]
            if rest not in self._terms and is_name(rest):  # else it could not be read back
                return rest
        best: str | None = None
        for prefix, base in self._prefixes:
            if iri.startswith(base) and len(iri) > len(base):
                candidate = f"{prefix}:{iri[len(base) :]}"
                if (
                    candidate not in self._terms
                    and not candidate.startswith(prefix + "://")
                    and (best is None or (len(candidate), candidate) < (len(best), best))
                ):
                    best = candidate
        return iri if best is None else best


def _member(source: Any, has_core: bool) -> Any:
    if source is None:
        return CORE_URL
    if has_core:
        return source
    given = source if isinstance(source, list) else [source]
    return given if CORE_URL in given else [*given, CORE_URL]
