"""Who will read what the platform computes: a result is computed from what all of its readers may see, and from nothing else.

A study, a plan or an alert is an entity of its own, with a classification of its own. Were it made from everything, it would
carry ids, names and counts of hidden things to those from whom they are hidden. So a room gathers its inputs with the rights of
the weakest reader of what it writes, as the policy of now says who that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from andaman.identity.model import FULL_ACCESS, Access, Classification, Role
from andaman.identity.policy import Policy, Rights
from andaman.identity.roles import Sees

Placed = tuple[Sequence[str], Sequence[str]]
"""Types (IRIs) and scopes of a result, as the policy places it."""
Readers = Callable[[Sequence[Placed], str], Access]
"""(results, tenant) → the rights with which to gather their inputs."""

_BY_LEVEL: Final = {
    Classification.PUBLIC: frozenset(Sees),
    Classification.PERSONAL: frozenset({Sees.PERSONAL, Sees.INVESTIGATION}),
    Classification.SECURITY: frozenset({Sees.SECURITY}),
    Classification.OFFICIAL_SECRET: frozenset({Sees.OFFICIAL_SECRET, Sees.INVESTIGATION}),
}
"""What a role must see, one of these, so that somebody with it may see data of this classification."""
_UNLISTED: Final = [frozenset({Sees.UNLISTED})]
_ANYWHERE: Final = frozenset({Sees.UNLISTED, Sees.SECURITY})
"""What a role sees without an agency and a purpose."""
_NO_PURPOSE: Final = "-"
"""No dataset has it, and nobody can declare it."""


@dataclass(frozen=True, slots=True)
class Readership:
    """Who reads results, under the policy in force; without a policy nobody signs in, and who reads anything reads all."""

    policy: Policy | None

    def __call__(self, results: Sequence[Placed], tenant: str) -> Access:
        """The weakest reader of any of the results: the public if it may see one of them. Otherwise the common rights of all
        roles that may see one, each without agency and purpose."""
        if self.policy is None:
            return FULL_ACCESS
        public = self.policy.access(Rights(tenants=frozenset({tenant})))
        if any(public.sees(types, scopes) for types, scopes in results):
            return public
        first, *others = [
            Rights(frozenset({role}), purpose=_NO_PURPOSE, tenants=frozenset({tenant}))
            for role in self._weakest(results)
        ]
        return self.policy.access(replace(first, under=tuple(others)))

    def _weakest(self, results: Sequence[Placed]) -> list[str]:
        """One role of each kind that may see one of the results. Administrators, if no other role may."""
        assert self.policy is not None
        table = self.policy.table
        wanted = [
            [_BY_LEVEL[one.level] for one in table.placement(tuple(types), tuple(scopes)).demands]
            or _UNLISTED
            for types, scopes in results
        ]
        kinds: dict[frozenset[Sees], str] = {}
        for row in sorted(table.roles.rows.values(), key=lambda row: row.name):
            if row.name != Role.ADMINISTRATOR and any(all(row.sees & one for one in each) for each in wanted):
                kinds.setdefault(row.sees & _ANYWHERE, row.name)
        smallest = [sees for sees in kinds if not any(other < sees for other in kinds)]
        return [kinds[sees] for sees in smallest] or [Role.ADMINISTRATOR]


everything: Final = Readership(None)
"""Where nobody signs in."""
