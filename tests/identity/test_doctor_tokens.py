"""The doctor tells of tokens that will be missed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from andaman.identity.model import Actor, Role
from andaman.identity.records import TokenKind
from andaman.kernel.time import DAY
from andaman.maintenance import examine
from andaman.offline import cli_actor, open_identity
from andaman.rooms import STORES
from andaman.settings import load_settings

from .conftest import GOOD


def test_tokens_that_are_over_soon_or_have_fallen_are_told(tmp_path: Path) -> None:
    settings = load_settings({"data": str(tmp_path), "port": 0}, environ={})

    def told() -> list[str]:
        return [f.text.partition(":")[0] for f in examine(settings, STORES) if f.subject == "tokens"]

    async def work() -> None:
        identity = open_identity(settings)
        cli = cli_actor()
        for name in ("other", "boss"):
            await identity.add_user(name, GOOD, [Role.ADMINISTRATOR], cli)
        boss = Actor(identity.get_user("boss").principal("", identity.roles))
        await identity.add_token(TokenKind.DEVICE, "gauge", boss, types=["urn:t:Rain"], lifetime=90 * DAY)
        assert told() == []
        await identity.add_token(TokenKind.API, "report", cli, roles=["analyst"], lifetime=DAY)
        assert told() == ["1 tokens in force are over within a week"]
        await identity.update_user("boss", cli, disabled=True)
        assert told()[1:] == ["1 tokens ended with the account or token that answered for them"]
        await identity.close()

    asyncio.run(work())
