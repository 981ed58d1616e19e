"""The accounts of a demonstration: passwords stay when a pack adds one, and the accounts are marked for good."""

from __future__ import annotations

import json
from pathlib import Path

from andaman.city.pack import base_demo_accounts
from andaman.demo import _make_accounts, _sign_ins

from .support import platform, run


def test_an_account_that_a_pack_adds_changes_no_password(tmp_path: Path) -> None:
    people = base_demo_accounts()
    before = _sign_ins(tmp_path, people[:-1])
    after = _sign_ins(tmp_path, people)
    assert {name: after[name] for name in before} == before
    assert set(after) == {one.username for one in people}
    assert json.loads((tmp_path / "demo-sign-in.json").read_text("utf-8")) == after


def test_demo_accounts_are_marked_once_and_keep_the_mark(tmp_path: Path) -> None:
    people = base_demo_accounts()
    marked = {f"user:{one.username}" for one in people}

    async def work() -> None:
        for _ in range(2):
            async with platform(tmp_path) as app:
                await _make_accounts(app, people, _sign_ins(tmp_path, people))
                assert await app.identity.demo_accounts() == marked
                rows = app.identity.store.list_audit(action="account.demo", limit=100)
                assert len(rows) == len(people)

    run(work)
