BEGIN TRANSACTION;
CREATE TABLE counted (id INTEGER PRIMARY KEY CHECK (id = 1), letters INTEGER NOT NULL) STRICT;
INSERT INTO "counted" VALUES(1,1);
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
CREATE TABLE kind (
    feed TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    attribute TEXT NOT NULL,
    pattern TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (feed, topic, reason, attribute)
) STRICT, WITHOUT ROWID
;
INSERT INTO "kind" VALUES('mqtt','a/b','bad-json','','',1,1795000000000000);
CREATE INDEX dead_letter_kind ON dead_letter (feed, topic, reason, attribute);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dead_letter',1);
COMMIT;
PRAGMA user_version=2;
