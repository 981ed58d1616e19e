"""Laws of accounts that are changed by several people at once."""

from __future__ import annotations

import asyncio

import pytest

from andaman.identity.model import Role
from andaman.identity.service import Identity
from andaman.kernel.errors import BadRequestData
from tests.identity.conftest import GOOD, ROOT

pytestmark = pytest.mark.anyio


async def test_two_administrators_do_not_end_each_other(identity: Identity) -> None:
    """Both are taken the role at the same moment: one of the two is refused."""
    for name in ("one", "two"):
        await identity.add_user(name, GOOD, [Role.ADMINISTRATOR], ROOT)
    done = await asyncio.gather(
        *(identity.update_user(name, ROOT, roles=["analyst"]) for name in ("one", "two")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["Account", "LastAdministrator"]
    assert sum(Role.ADMINISTRATOR in a.roles for a in identity.list_users()) == 1


async def test_of_two_changes_at_once_neither_undoes_the_other(identity: Identity) -> None:
    """One disables the account, slowly, while another gives it a name and a password."""
    await identity.add_user("root", GOOD, [Role.ADMINISTRATOR], ROOT)
    await identity.add_user("somchai", GOOD, ["operator"], ROOT)
    await asyncio.gather(
        identity.update_user("somchai", ROOT, name="สมชาย", password=GOOD + "!"),
        identity.update_user("somchai", ROOT, disabled=True),
        identity.update_user("somchai", ROOT, agency="pk-ddpm"),
    )
    account = identity.get_user("somchai")
    assert (account.name, account.disabled, account.agency) == ("สมชาย", True, "pk-ddpm")


async def test_a_name_of_blanks_is_the_user_name(identity: Identity) -> None:
    await identity.add_user("somchai", GOOD, ["operator"], ROOT, name="x")
    assert (await identity.update_user("somchai", ROOT, name="  ")).name == "somchai"
    with pytest.raises(BadRequestData):
        await identity.update_user("somchai", ROOT, roles=[])
