"""Who will read what the platform computes: a result is computed from what all of its readers may see, and from nothing else.

A study, a plan or an alert is an entity of its own, with a classification of its own. Were it made from everything, it would
carry ids, names and counts of hidden things to those from whom they are hidden. So a room gathers its inputs with the rights of
the weakest reader of what it writes, as the policy of now says who that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from andaman.identity.model import FULL_ACCESS, Access, Role
from andaman.identity.policy import Policy, Rights

Placed = tuple[Sequence[str], Sequence[str]]
"""Types (IRIs) and scopes of a result, as the policy places it."""
Readers = Callable[[Sequence[Placed], str], Access]
"""(results, tenant) → the rights with which to gather their inputs."""

_STAFF: Final = frozenset({Role.ANALYST})
"""Without agency and purpose: what every member of staff may see."""


@dataclass(frozen=True, slots=True)
class Readership:
    """Who reads results, under the policy in force; without a policy nobody signs in, and who reads anything reads all."""

    policy: Policy | None

    def __call__(self, results: Sequence[Placed], tenant: str) -> Access:
        """The weakest reader of any of the results: the public where it may see one of them, otherwise staff without agency
        and purpose, who see no more than anybody who may read personal data or an official secret."""
        if self.policy is None:
            return FULL_ACCESS
        public = self.policy.access(Rights(tenants=frozenset({tenant})))
        if any(public.sees(types, scopes) for types, scopes in results):
            return public
        return self.policy.access(Rights(_STAFF, tenants=frozenset({tenant})))


everything: Final = Readership(None)
"""Where nobody signs in."""
