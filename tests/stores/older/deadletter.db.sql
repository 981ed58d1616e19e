BEGIN TRANSACTION;
CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    feed TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    attribute TEXT NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL
) STRICT
;
INSERT INTO "dead_letter" VALUES(1,1795000000000000,'mqtt','a/b','bad-json','no JSON','',X'7B',1);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dead_letter',1);
COMMIT;
PRAGMA user_version=0;
