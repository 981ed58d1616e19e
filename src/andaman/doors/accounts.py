"""The door of accounts, tokens and the audit (``identity/routes.py``), and what a start does for them."""

from __future__ import annotations

import asyncio
import logging

from andaman.broker.api import Broker, iri, short
from andaman.identity.rights_follower import RightsFollower
from andaman.identity.routes import routes
from andaman.identity.service import Identity
from andaman.identity.tokens import figures
from andaman.room import Built, NoSettings, Room, Site, Task

log = logging.getLogger("andaman")


def build(site: Site, settings: NoSettings) -> Built:
    identity, broker = site.services.get(Identity), site.services.get(Broker)

    async def warn_of_fallen_tokens() -> None:
        """Also at the first start of a release that has tokens end with their makers."""
        fallen = (await asyncio.to_thread(figures, identity.store, site.clock()))[2]
        if fallen:
            log.warning(
                "%d tokens are not in force because the account or token that answered for them is not. "
                "andaman token list --all --data %s says which and why, andaman token own ID takes one over",
                fallen,
                site.directory,
            )

    async def warn_of_missing_roles() -> None:
        gone = sorted(
            {role for one in identity.list_users() for role in one.roles} - set(identity.roles.names)
        )
        if gone:
            log.warning(
                "Accounts have roles that no row of the roles file describes; these roles give no rights: %s",
                ", ".join(gone),
            )

    return Built(
        doors=routes(identity, broker, expand=iri, shorten=short),
        background=[
            Task(warn_of_fallen_tokens),
            Task(warn_of_missing_roles),
            RightsFollower(identity),
        ],
    )


ROOM = Room("doors.accounts", build, of_broker=True)
