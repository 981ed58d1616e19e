"""Tables of identity.db, as they came to be."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final = (  # never edited once released; add another
    """
    CREATE TABLE agency (code TEXT PRIMARY KEY, name_th TEXT NOT NULL, name_en TEXT NOT NULL) STRICT;
    CREATE TABLE account (
        username TEXT PRIMARY KEY, name TEXT NOT NULL, roles TEXT NOT NULL, agency TEXT NOT NULL,
        password TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,
        password_at INTEGER NOT NULL, last_login_at INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE session (
        hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, username TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
        purpose TEXT NOT NULL, created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
        address TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX session_username ON session (username);
    CREATE TABLE token (
        id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL, roles TEXT NOT NULL,
        agency TEXT NOT NULL, purpose TEXT NOT NULL, types TEXT NOT NULL, scopes TEXT NOT NULL,
        created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER,
        last_used_at INTEGER) STRICT;
    CREATE TABLE failure (key TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT;
    CREATE TABLE known_address (
        username TEXT NOT NULL REFERENCES account ON DELETE CASCADE, address TEXT NOT NULL, last_at INTEGER NOT NULL,
        PRIMARY KEY (username, address)) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
        outcome TEXT NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
        hash BLOB NOT NULL) STRICT;
    CREATE INDEX audit_at ON audit (at);
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit is append-only'); END;
    """,
    """
    ALTER TABLE token ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
    CREATE TABLE tenant_entry (
        principal TEXT NOT NULL, tenant TEXT NOT NULL, PRIMARY KEY (principal, tenant)) STRICT, WITHOUT ROWID;
    CREATE INDEX tenant_entry_tenant ON tenant_entry (tenant);
    """,
    """
    CREATE TABLE audit_end (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
    INSERT INTO audit_end SELECT 1, seq, hash FROM audit ORDER BY seq DESC LIMIT 1;
    """,
    """
    ALTER TABLE account ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE token ADD COLUMN owner TEXT NOT NULL DEFAULT 'system:cli';
    ALTER TABLE token ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE token ADD COLUMN old_hash BLOB;
    ALTER TABLE token ADD COLUMN old_until INTEGER;
    ALTER TABLE token ADD COLUMN lifetime INTEGER;
    UPDATE token SET lifetime = expires_at - created_at, owner = iif(created_by = '', owner, created_by);
    CREATE INDEX token_old_hash ON token (old_hash) WHERE old_hash IS NOT NULL;
    CREATE TABLE rights_change (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL) STRICT;
    INSERT INTO rights_change VALUES (1, 0);
    CREATE TRIGGER account_changed AFTER UPDATE OF name, roles, agency, disabled, era ON account
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER account_gone AFTER DELETE ON account
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER session_gone AFTER DELETE ON session
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER token_changed AFTER UPDATE OF hash, kind, roles, agency, purpose, types, scopes, expires_at, revoked_at,
        tenant, owner, era, old_hash, old_until ON token
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER token_gone AFTER DELETE ON token
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER entry_made AFTER INSERT ON tenant_entry
        BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER entry_gone AFTER DELETE ON tenant_entry
        BEGIN UPDATE rights_change SET number = number + 1; END;
    """,
    """
    CREATE TABLE role (name TEXT PRIMARY KEY, document BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TRIGGER role_made AFTER INSERT ON role BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER role_changed AFTER UPDATE ON role BEGIN UPDATE rights_change SET number = number + 1; END;
    CREATE TRIGGER role_gone AFTER DELETE ON role BEGIN UPDATE rights_change SET number = number + 1; END;
    """,
)
