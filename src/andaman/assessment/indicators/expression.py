"""Arithmetic on named numbers, for indicators: ``deaths / population * 100000``.

Grammar: sums and products, unary minus, brackets, numbers, names, and ``min(a, b, …)``, ``max(a, b, …)``, ``abs(a)``.
No attribute, index, assignment or loop: an expression can neither reach outside nor run long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from andaman.kernel.errors import BadRequestData

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/(),]))", re.ASCII
)
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {"min": min, "max": max, "abs": abs}
MAX_LENGTH: Final = 500
_MAX_DEPTH: Final = 40


@dataclass(frozen=True, slots=True)
class Node:
    """``op``: "number", "name", "neg", "+", "-", "*", "/", or a function's name."""

    op: str
    parts: tuple[Node, ...] = ()
    value: float = 0.0
    name: str = ""


def names(node: Node) -> frozenset[str]:
    """The names that the expression needs."""
    own = frozenset({node.name}) if node.op == "name" else frozenset[str]()
    return own.union(*(names(part) for part in node.parts))


def evaluate(node: Node, given: Mapping[str, float]) -> float:
    """The value. Raises ZeroDivisionError, and KeyError for a name without a value."""
    match node.op:
        case "number":
            return node.value
        case "name":
            return given[node.name]
        case "neg":
            return -evaluate(node.parts[0], given)
        case "+" | "-" | "*" | "/":
            left, right = (evaluate(part, given) for part in node.parts)
            if node.op == "+":
                return left + right
            if node.op == "-":
                return left - right
            return left * right if node.op == "*" else left / right
        case function:
            values = [evaluate(part, given) for part in node.parts]
            return float(_FUNCTIONS[function](*values))


def parse(text: str) -> Node:
    """Read an expression. Raises BadRequestData that says where (0-based) and what would be right."""
    if len(text) > MAX_LENGTH:
        raise BadRequestData(f"The formula has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    return _Parser(text).whole()


_SIGNS: Final[Mapping[str, str]] = {"+": "+", "-": "−", "*": "×", "/": "÷"}
_LEVELS: Final[Mapping[str, int]] = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3}


def in_words(node: Node, words: Mapping[str, str]) -> str:
    """The expression for people: ``words`` in place of names, × and ÷ for signs. A name without words stays."""
    if node.op == "number":
        return f"{node.value:,.10g}"
    if node.op == "name":
        return words.get(node.name, node.name)
    if node.op == "neg":
        return "−" + _enclosed(node.parts[0], 3, words)
    if node.op in _SIGNS:
        level = _LEVELS[node.op]
        left = _enclosed(node.parts[0], level, words)
        right = _enclosed(node.parts[1], level + (node.op in "-/"), words)
        return f"{left} {_SIGNS[node.op]} {right}"
    return f"{node.op}({', '.join(in_words(part, words) for part in node.parts)})"


def _enclosed(node: Node, level: int, words: Mapping[str, str]) -> str:
    text = in_words(node, words)
    return f"({text})" if _LEVELS.get(node.op, 9) < level else text


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                raise self._error(start, f"{text[start]!r} is not allowed here")
            kind = ("number", "name", "sign")[(found.lastindex or 1) - 1]
            self.tokens.append((kind, found[found.lastindex or 1], found.start(found.lastindex or 1)))
            at = found.end()
        self.at = 0
        self.depth = 0

    def _error(self, position: int, what: str) -> BadRequestData:
        return BadRequestData(
            f"{what} at position {position}; a formula is such as deaths / population * 100000",
            position=position,
        )

    def _peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _position(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._error(self._position(), f"{sign!r} is expected")
        self.at += 1

    def whole(self) -> Node:
        node = self._sum()
        if self.at < len(self.tokens):
            raise self._error(self._position(), f"{self._peek()!r} is not expected")
        return node

    def _sum(self) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self._error(self._position(), "Brackets are nested too deeply")
        node = self._product()
        while self._peek() in ("+", "-"):
            sign = self._peek()
            self.at += 1
            node = Node(sign, (node, self._product()))
        self.depth -= 1
        return node

    def _product(self) -> Node:
        node = self._unary()
        while self._peek() in ("*", "/"):
            sign = self._peek()
            self.at += 1
            node = Node(sign, (node, self._unary()))
        return node

    def _unary(self) -> Node:
        minus = 0
        while self._peek() == "-":
            self.at += 1
            minus += 1
        node = self._atom()
        return Node("neg", (node,)) if minus % 2 else node

    def _atom(self) -> Node:
        if self.at >= len(self.tokens):
            raise self._error(len(self.text), "A number, a name or a bracket is missing")
        kind, text, position = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return Node("number", value=float(text))
        if kind == "name":
            if self._peek() != "(":
                return Node("name", name=text)
            if text not in _FUNCTIONS:
                raise self._error(
                    position, f"{text!r} is not a function; the functions are {', '.join(_FUNCTIONS)}"
                )
            return self._call(text, position)
        if text == "(":
            node = self._sum()
            self._take(")")
            return node
        raise self._error(position, f"{text!r} is not expected")

    def _call(self, function: str, position: int) -> Node:
        self._take("(")
        parts = [self._sum()]
        while self._peek() == ",":
            self.at += 1
            parts.append(self._sum())
        self._take(")")
        if function == "abs" and len(parts) != 1:
            raise self._error(position, "abs takes one argument")
        if function != "abs" and len(parts) < 2:
            raise self._error(position, f"{function} takes two arguments or more")
        return Node(function, tuple(parts))
