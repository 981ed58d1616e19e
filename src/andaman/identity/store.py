"""identity.db: the SQL of accounts, sessions, tokens, failures and audit. Blocking, thread-safe.

One writer at a time behind a lock, each change one transaction that is on disk when the call returns (WAL,
synchronous FULL). Another process (the command line) may write the same file; SQLite's own lock orders them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.identity.problems import UsernameTaken
from andaman.identity.records import Account, Agency, AuditEntry, Session, Token
from andaman.identity.rows import AUDIT, account_of, audit_entry, link, pack, token_of, verify_audit
from andaman.identity.schema import MIGRATIONS as _MIGRATIONS
from andaman.identity.throttle import Failures, network_of
from andaman.kernel.tables import Store, StoreKind
from andaman.kernel.time import Micros

ACCOUNT = "username, name, roles, agency, disabled, created_at, password_at, last_login_at, era"
_BEARER_COLUMNS = (
    "id, kind, name, roles, agency, purpose, types, scopes, created_by, created_at, expires_at, revoked_at, "
    "last_used_at, tenant, owner, era, lifetime"
)


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    older = "era" not in {row[1] for row in db.execute("PRAGMA table_info(account)")}
    names = ACCOUNT.replace("era", "0") if older else ACCOUNT
    for row in db.execute(f"SELECT {names} FROM account"):  # noqa: S608
        try:
            account_of(row)
        except (ValueError, TypeError) as error:
            yield f"account {row[0]!r}: {error}"


FILE: Final = "identity.db"
KIND: Final = StoreKind(
    FILE,
    "the accounts, the tokens and the audit",
    _MIGRATIONS,
    "there are no accounts, tokens and no audit",
    precious=True,
    unreadable=_unreadable,
)


class IdentityStore:
    """Open ``directory/identity.db``, create or migrate it. Raises Unavailable when a newer release wrote it."""

    def __init__(self, directory: Path) -> None:
        self._store = Store(directory / FILE, KIND)
        self.path = self._store.path
        self._read_lock = threading.Lock()
        self._read = self._store.reader()
        self._look = self._store.reader()  # the loop's own: it waits for no other reader
        self._looked = (0, 0)

    @property
    def make_room(self) -> Callable[[], None] | None:
        """Called where the disk has no room for a change, such as a sign-in; any thread."""
        return self._store.make_room

    @make_room.setter
    def make_room(self, call: Callable[[], None] | None) -> None:
        self._store.make_room = call

    def close(self) -> None:
        with self._read_lock:
            self._store.close()

    def changes(self) -> int:
        """Grows with every change of accounts, tokens and entries, and with every session that ends, in any process.
        For one thread; costs microseconds while nothing is written.
        """
        version = int(self._look.execute("PRAGMA data_version").fetchone()[0])
        if version != self._looked[0]:
            row = self._look.execute("SELECT number FROM rights_change").fetchone()
            self._looked = (version, int(row[0]))
        return self._looked[1]

    def change(self) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction; nested uses join the outer one. Raises StorageFull, Unavailable."""
        return self._store.transaction()

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock:
            return self._read.execute(sql, parameters).fetchall()

    # -- agencies and accounts ------------------------------------------------------------------------------
    def list_agencies(self) -> list[Agency]:
        """Those that releases before kept here; they are rows of a register now."""
        return [Agency(*row) for row in self._rows("SELECT code, name_th, name_en FROM agency ORDER BY code")]

    def delete_agency(self, code: str) -> None:
        with self.change() as db:
            db.execute("DELETE FROM agency WHERE code=?", (code,))

    def list_roles(self) -> dict[str, bytes]:
        """Name → JSON of each role that was edited here, in the order of their names."""
        rows = self._rows("SELECT name, document FROM role ORDER BY name")
        return {str(name): bytes(document) for name, document in rows}

    def put_role(self, name: str, document: bytes) -> None:
        with self.change() as db:
            db.execute(
                "INSERT INTO role VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document=excluded.document",
                (name, document),
            )

    def delete_role(self, name: str) -> None:
        with self.change() as db:
            db.execute("DELETE FROM role WHERE name=?", (name,))

    def add_account(self, account: Account, password: str) -> None:
        """``password``: the encoded hash. Raises UsernameTaken."""
        values = (account.username, account.name, pack(account.roles), account.agency, password)
        with self.change() as db:
            try:
                db.execute(
                    "INSERT INTO account (username, name, roles, agency, password, created_at, password_at, era)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*values, account.created_at, account.password_at, account.era),
                )
            except sqlite3.IntegrityError:
                raise UsernameTaken(username=account.username) from None

    def update_account(self, account: Account) -> None:
        """Write name, roles, agency and disabled of an account that exists."""
        with self.change() as db:
            db.execute(
                "UPDATE account SET name = ?, roles = ?, agency = ?, disabled = ? WHERE username = ?",
                (account.name, pack(account.roles), account.agency, int(account.disabled), account.username),
            )

    def set_password(self, username: str, password: str, now: Micros | None) -> None:
        """Store another hash, which begins another era; ``now`` None: the same password at another cost."""
        with self.change() as db:
            if now is None:
                db.execute("UPDATE account SET password = ? WHERE username = ?", (password, username))
                return
            db.execute(
                "UPDATE account SET password = ?, password_at = ?, era = max(era + 1, ?) WHERE username = ?",
                (password, now, now, username),
            )

    def find_account(self, username: str) -> tuple[Account, str] | None:
        """The account and its password hash."""
        rows = self._rows(f"SELECT {ACCOUNT}, password FROM account WHERE username = ?", (username,))  # noqa: S608
        return (account_of(rows[0]), str(rows[0][-1])) if rows else None

    def list_accounts(self) -> list[Account]:
        rows = self._rows(f"SELECT {ACCOUNT} FROM account ORDER BY username")  # noqa: S608
        return [account_of(row) for row in rows]

    # -- tenants --------------------------------------------------------------------------------------------
    def tenants_of(self, principal: str) -> list[str]:
        rows = self._rows("SELECT tenant FROM tenant_entry WHERE principal = ? ORDER BY tenant", (principal,))
        return [tenant for (tenant,) in rows]

    def guests_of(self, tenant: str) -> list[str]:
        rows = self._rows("SELECT principal FROM tenant_entry WHERE tenant = ? ORDER BY principal", (tenant,))
        return [principal for (principal,) in rows]

    def change_tenants(self, principal: str, add: Collection[str], remove: Collection[str]) -> None:
        with self.change() as db:
            for sql, names in (
                ("INSERT OR IGNORE INTO tenant_entry VALUES (?, ?)", add),
                ("DELETE FROM tenant_entry WHERE principal = ? AND tenant = ?", remove),
            ):
                db.executemany(sql, [(principal, name) for name in names])

    # -- failures -------------------------------------------------------------------------------------------
    def failures(self, keys: Sequence[str]) -> dict[str, Failures]:
        marks = ", ".join("?" * len(keys))
        rows = self._rows(f"SELECT key, count, last_at FROM failure WHERE key IN ({marks})", keys)  # noqa: S608
        return {key: Failures(count, last_at) for key, count, last_at in rows}

    def count_failures(self) -> int:
        return int(self._rows("SELECT count(*) FROM failure", ())[0][0])

    def add_failures(self, keys: Sequence[str], now: Micros, forget_before: Micros) -> None:
        """Count one more under each key; counters older than ``forget_before`` start again."""
        with self.change() as db:
            db.execute("DELETE FROM failure WHERE last_at < ?", (forget_before,))
            db.executemany(
                "INSERT INTO failure (key, count, last_at) VALUES (?, 1, ?)"
                " ON CONFLICT (key) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
                [(key, now) for key in keys],
            )

    def take_back_failures(self, keys: Sequence[str], clear: Sequence[str]) -> None:
        """An attempt succeeded: take one from ``keys``, forget ``clear`` wholly."""
        with self.change() as db:
            db.executemany("UPDATE failure SET count = max(0, count - 1) WHERE key = ?", [(k,) for k in keys])
            db.executemany("DELETE FROM failure WHERE key = ?", [(k,) for k in clear])

    def knows_address(self, username: str, address: str, since: Micros) -> bool:
        """Has the account signed in from this address, or from its network? Versions before noted the address itself."""
        sql = "SELECT 1 FROM known_address WHERE username = ? AND address IN (?, ?) AND last_at >= ?"
        return bool(self._rows(sql, (username, address, network_of(address), since)))

    def knows_mark(self, mark: str) -> bool:
        """Has anybody signed in on this device?"""
        return bool(self._rows("SELECT 1 FROM known_address WHERE address = ?", (mark,)))

    def note_address(self, username: str, address: str, now: Micros, forget_before: Micros) -> None:
        """The account signed in from there; addresses noted before ``forget_before`` are forgotten."""
        with self.change() as db:
            db.execute("DELETE FROM known_address WHERE last_at < ?", (forget_before,))
            db.execute("INSERT OR REPLACE INTO known_address VALUES (?, ?, ?)", (username, address, now))

    # -- sessions -------------------------------------------------------------------------------------------
    def add_session(self, digest: bytes, session: Session, most: int = 100) -> int:
        """Also notes the sign-in's time and address and drops sessions that are over. Ends the sessions unused for
        longest beyond ``most`` of the account; returns how many that were.
        """
        username = session.account.username
        with self.change() as db:
            db.execute("DELETE FROM session WHERE expires_at <= ?", (session.created_at,))
            db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    digest,
                    session.id,
                    username,
                    session.purpose,
                    session.created_at,
                    session.seen_at,
                    session.expires_at,
                    session.address,
                ),
            )
            db.execute(
                "UPDATE account SET last_login_at = ? WHERE username = ?", (session.created_at, username)
            )
            db.execute(
                "INSERT OR REPLACE INTO known_address VALUES (?, ?, ?)",
                (username, network_of(session.address), session.created_at),
            )
            return db.execute(
                "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE username = ? AND hash <> ?"
                " ORDER BY seen_at DESC, id DESC LIMIT -1 OFFSET ?)",
                (username, digest, most - 1),
            ).rowcount

    def sessions_of(self, username: str) -> list[Session]:
        """Also those that were not used for too long."""
        rows = self._rows("SELECT hash FROM session WHERE username = ?", (username,))
        return [found for (digest,) in rows if (found := self.find_session(digest)) is not None]

    def end_session_of(self, username: str, session_id: str) -> bool:
        with self.change() as db:
            sql = "DELETE FROM session WHERE username = ? AND id = ?"
            return db.execute(sql, (username, session_id)).rowcount > 0

    def find_session(self, digest: bytes) -> Session | None:
        columns = ", ".join(f"a.{name.strip()}" for name in ACCOUNT.split(","))
        rows = self._rows(
            f"SELECT {columns}, s.id, s.purpose, s.created_at, s.seen_at, s.expires_at, s.address"  # noqa: S608
            " FROM session s JOIN account a USING (username) WHERE s.hash = ?",
            (digest,),
        )
        if not rows:
            return None
        sid, purpose, created_at, seen_at, expires_at, address = rows[0][9:]
        return Session(sid, account_of(rows[0]), purpose, created_at, seen_at, expires_at, address)

    def touch_session(self, digest: bytes, now: Micros) -> None:
        with self.change() as db:
            db.execute("UPDATE session SET seen_at = max(seen_at, ?) WHERE hash = ?", (now, digest))

    def end_session(self, digest: bytes) -> bool:
        with self.change() as db:
            return db.execute("DELETE FROM session WHERE hash = ?", (digest,)).rowcount > 0

    def end_sessions_of(self, username: str, except_digest: bytes = b"") -> int:
        with self.change() as db:
            sql = "DELETE FROM session WHERE username = ? AND hash <> ?"
            return db.execute(sql, (username, except_digest)).rowcount

    # -- tokens ---------------------------------------------------------------------------------------------
    def add_token(self, digest: bytes, token: Token) -> None:
        with self.change() as db:
            db.execute(
                f"INSERT INTO token (hash, {_BEARER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    digest,
                    token.id,
                    token.kind,
                    token.name,
                    pack(token.roles),
                    token.agency,
                    token.purpose,
                    pack(token.types),
                    orjson.dumps(token.scopes).decode(),
                    token.created_by,
                    token.created_at,
                    token.expires_at,
                    token.revoked_at,
                    token.last_used_at,
                    token.tenant,
                    token.owner or "system:cli",
                    token.era,
                    token.lifetime,
                ),
            )

    def find_token(self, digest: bytes, now: Micros) -> tuple[Token, Micros | None] | None:
        """The token of a secret, and when this secret is over: for one that was replaced, the end of its grace."""
        rows = self._rows(f"SELECT {_BEARER_COLUMNS} FROM token WHERE hash = ?", (digest,))  # noqa: S608
        if rows:
            return token_of(rows[0]), None
        sql = f"SELECT {_BEARER_COLUMNS}, old_until FROM token WHERE old_hash = ? AND old_until > ?"  # noqa: S608
        rows = self._rows(sql, (digest, now))
        return (token_of(rows[0][:-1]), int(rows[0][-1])) if rows else None

    def find_token_by_id(self, token_id: str) -> Token | None:
        rows = self._rows(f"SELECT {_BEARER_COLUMNS} FROM token WHERE id = ?", (token_id,))  # noqa: S608
        return token_of(rows[0]) if rows else None

    def next_end(self, now: Micros) -> Micros:
        """When the next of the tokens, or a secret in its grace, is over by itself."""
        sql = (
            "SELECT min(coalesce(min(expires_at) FILTER (WHERE expires_at > ?1), ?2),"
            " coalesce(min(old_until) FILTER (WHERE old_until > ?1), ?2)) FROM token WHERE revoked_at IS NULL"
        )
        return int(self._look.execute(sql, (now, 1 << 62)).fetchone()[0])

    def list_tokens(self) -> list[Token]:
        rows = self._rows(f"SELECT {_BEARER_COLUMNS} FROM token ORDER BY id")  # noqa: S608
        return [token_of(row) for row in rows]

    def revoke_token(self, token_id: str, now: Micros) -> bool:
        with self.change() as db:
            sql = "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
            return db.execute(sql, (now, token_id)).rowcount > 0

    def rotate_token(
        self,
        token_id: str,
        digest: bytes,
        old_until: Micros | None,
        expires_at: Micros | None,
        lifetime: Micros | None,
    ) -> None:
        """Another secret; the present one is in force until ``old_until`` (None: no longer)."""
        with self.change() as db:
            db.execute(
                "UPDATE token SET old_hash = CASE WHEN ? IS NULL THEN NULL ELSE hash END, old_until = ?, hash = ?,"
                " expires_at = ?, lifetime = ? WHERE id = ?",
                (old_until, old_until, digest, expires_at, lifetime, token_id),
            )

    def own_token(self, token_id: str, owner: str, era: Micros) -> None:
        with self.change() as db:
            db.execute("UPDATE token SET owner = ?, era = ? WHERE id = ?", (owner, era, token_id))

    def touch_token(self, token_id: str, now: Micros) -> None:
        with self.change() as db:
            db.execute("UPDATE token SET last_used_at = ? WHERE id = ?", (now, token_id))

    # -- audit ----------------------------------------------------------------------------------------------
    def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries (their ``seq`` is given here) to the hash chain."""
        with self.change() as db:
            last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
            seq, chain = last or (0, b"")
            for entry in entries:
                seq += 1
                what = (seq, entry.at, entry.actor, entry.action, entry.target, str(entry.outcome))
                row = (*what, entry.origin, entry.reason, entry.detail)
                chain = link(chain, row)
                db.execute(f"INSERT INTO audit ({AUDIT}, hash) VALUES (?,?,?,?,?,?,?,?,?,?)", (*row, chain))  # noqa: S608
            # So that entries missing at the end are found too.
            db.execute("INSERT OR REPLACE INTO audit_end VALUES (1, ?, ?)", (seq, chain))

    def list_audit(
        self,
        *,
        before: tuple[Micros, int] | None = None,
        after_at: Micros | None = None,
        actor: str = "",
        action: str = "",
        target: str = "",
        outcome: str = "",
        limit: int = 100,
    ) -> list[AuditEntry]:
        """Newest first; ``before`` (at, seq) is exclusive, ``after_at`` inclusive; ``action`` is a prefix."""
        wanted = [
            ("(at, seq) < (?, ?)", before),
            ("at >= ?", after_at),
            ("actor = ?", actor or None),
            ("substr(action, 1, length(?)) = ?", action or None),
            ("target = ?", target or None),
            ("outcome = ?", outcome or None),
        ]
        clauses = [clause for clause, value in wanted if value is not None]
        values: list[Any] = []
        for clause, value in wanted:
            if value is not None:
                values.extend(value if isinstance(value, tuple) else [value] * clause.count("?"))
        where = " AND ".join(clauses) or "true"
        rows = self._rows(
            f"SELECT {AUDIT} FROM audit WHERE {where} ORDER BY at DESC, seq DESC LIMIT ?",  # noqa: S608
            (*values, limit),
        )
        return [audit_entry(row) for row in rows]

    def verify_audit(self) -> int:
        """Walk the chain; the number of entries. Raises Unavailable at the first that was tampered with."""
        with self._read_lock:
            return verify_audit(self._read)
