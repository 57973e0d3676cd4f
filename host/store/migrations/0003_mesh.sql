-- The mesh: other devices' chains, two stories of one device included; devices, invites, leases.

ALTER TABLE events RENAME TO events_before;
DROP INDEX events_by_kind;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- the order in which this home took them: ancestors first
    cid TEXT NOT NULL UNIQUE,                                -- CID of the signed bytes
    author TEXT NOT NULL,                                    -- the device's DID
    seq INTEGER NOT NULL,                                    -- place in its author's chain, from 1; two at one place: a lie
    prev TEXT,                                               -- CID of the event before; NULL: the first
    at TEXT NOT NULL,                                        -- when its author says it was
    kind TEXT NOT NULL,                                      -- what it is about: ballot, donation …
    bytes BLOB NOT NULL                                      -- the signed event, canonical DAG-CBOR
);
INSERT INTO events (cid, author, seq, prev, at, kind, bytes)
    SELECT cid, author, seq, prev, at, kind, bytes FROM events_before ORDER BY rowid;
DROP TABLE events_before;
CREATE INDEX events_by_place ON events (author, seq);
CREATE INDEX events_by_kind ON events (kind);

CREATE TABLE devices (
    did TEXT NOT NULL PRIMARY KEY,                           -- the device's key
    member TEXT NOT NULL,                                    -- the member whose it is
    is_self INTEGER NOT NULL,                                -- 1: this device
    addresses TEXT NOT NULL DEFAULT '[]',                    -- JSON list: where it was reached or says that it listens
    seen_at TEXT,                                            -- last sign of life; NULL: none yet
    revoked_at TEXT                                          -- when it lost its place; NULL: it has it
);

CREATE TABLE invites (
    key TEXT NOT NULL PRIMARY KEY,                           -- public half of the invite's one-time key
    role TEXT NOT NULL,                                      -- admin member guest: what it makes of a newcomer
    member TEXT,                                             -- a device of this member joins; NULL: somebody new
    created_at TEXT NOT NULL,                                -- when it was made
    expires_at TEXT NOT NULL,                                -- it lets nobody in from then on
    uses INTEGER NOT NULL,                                   -- how many it lets in
    revoked_at TEXT                                          -- when it was taken back; NULL: it stands
);

CREATE TABLE invite_uses (
    key TEXT NOT NULL,                                       -- the invite
    device TEXT NOT NULL,                                    -- the device that came by it
    member TEXT NOT NULL,                                    -- the member whose it is
    at TEXT NOT NULL,                                        -- when
    PRIMARY KEY (key, device)
);

CREATE TABLE leases (
    task_id TEXT NOT NULL PRIMARY KEY,                       -- a task that this device runs for another
    submitter TEXT NOT NULL,                                 -- the submitter's device
    member TEXT NOT NULL,                                    -- the member whose it is
    offer BLOB NOT NULL,                                     -- what was asked for, as it came
    result BLOB,                                             -- what came of it, signed; NULL: nothing yet
    delivered_at TEXT,                                       -- when the submitter took the result; NULL: not yet
    accepted_at TEXT NOT NULL                                -- when it was accepted
);
CREATE INDEX leases_by_delivery ON leases (delivered_at);
