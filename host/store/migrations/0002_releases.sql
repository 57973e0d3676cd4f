-- Content by CID, what is known of publishers, and the installation of releases.

CREATE TABLE content (
    cid TEXT NOT NULL PRIMARY KEY,                           -- the file's CID: raw or a UnixFS root
    size INTEGER NOT NULL,                                   -- its bytes; they lie in the folder `content` under the CID
    added_at TEXT NOT NULL,                                  -- when it came here
    verified_at TEXT NOT NULL,                               -- when all its bytes were last compared with the CID
    problem TEXT                                             -- what that comparison found wrong; NULL: nothing
);

CREATE TABLE content_leaves (
    cid TEXT NOT NULL,                                       -- a leaf's CID
    root TEXT NOT NULL,                                      -- the content that holds it
    offset INTEGER NOT NULL,                                 -- where it begins in the file, in bytes
    length INTEGER NOT NULL,                                 -- its bytes
    PRIMARY KEY (root, offset)
);

CREATE INDEX content_leaves_by_cid ON content_leaves (cid);

CREATE TABLE content_nodes (
    cid TEXT NOT NULL,                                       -- an inner node's CID
    root TEXT NOT NULL,                                      -- the content that it belongs to
    bytes BLOB NOT NULL,                                     -- the node, DAG-PB
    PRIMARY KEY (root, cid)
);

CREATE INDEX content_nodes_by_cid ON content_nodes (cid);

CREATE TABLE content_pins (
    cid TEXT NOT NULL,                                       -- the content that stays
    holder TEXT NOT NULL,                                    -- who wants it: owner, or a release's CID
    at TEXT NOT NULL,                                        -- since when
    PRIMARY KEY (cid, holder)
);

CREATE TABLE heads (
    publisher TEXT NOT NULL,                                 -- the publisher's DID
    name TEXT NOT NULL,                                      -- the release's name
    revision INTEGER NOT NULL,                               -- the newest revision that the publisher has signed
    release_cid TEXT NOT NULL,                               -- that release
    published_at TEXT NOT NULL,                              -- when, as the publisher says
    seen_at TEXT NOT NULL,                                   -- when this home first saw it
    checked_at TEXT NOT NULL,                                -- when a source last gave it
    source TEXT NOT NULL,                                    -- that source: a folder or a file
    envelope BLOB NOT NULL,                                  -- the signed head
    PRIMARY KEY (publisher, name)
);

CREATE TABLE equivocations (
    publisher TEXT NOT NULL,                                 -- the publisher's DID
    name TEXT NOT NULL,                                      -- the release's name
    revision INTEGER NOT NULL,                               -- the revision that it used twice
    first_cid TEXT NOT NULL,                                 -- the release seen first
    second_cid TEXT NOT NULL,                                -- the other one
    first BLOB NOT NULL,                                     -- its envelope
    second BLOB NOT NULL,                                    -- the other's: both signatures together are the proof
    seen_at TEXT NOT NULL,                                   -- when
    PRIMARY KEY (publisher, name, revision, second_cid)
);

CREATE TABLE revocations (
    did TEXT NOT NULL PRIMARY KEY,                           -- the key that no longer counts
    seen_at TEXT NOT NULL,                                   -- when this home learned of it: what it saw before still counts
    reason TEXT,                                             -- why, for a person
    statement BLOB                                           -- signed by the key itself; NULL: its owner's word alone
);

CREATE TABLE rotations (
    old_did TEXT NOT NULL PRIMARY KEY,                       -- the key that was replaced
    new_did TEXT NOT NULL,                                   -- the key in its place
    seen_at TEXT NOT NULL,                                   -- when this home learned of it
    statement BLOB NOT NULL                                  -- signed by both
);

CREATE TABLE installs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number
    release_cid TEXT NOT NULL,                               -- what is installed
    target TEXT,                                             -- the slot, task or skill name that it is to serve; NULL: none yet
    cause TEXT NOT NULL,                                     -- who wants it: person, or update: it came by itself
    state TEXT NOT NULL,                                     -- fetched verified compiled tested waiting cooling done refused
    reason TEXT,                                             -- why it is there, for a person
    envelope BLOB NOT NULL,                                  -- the record with its signatures
    growth TEXT NOT NULL DEFAULT '[]',                       -- JSON list: what it wants more than what serves
    consented INTEGER NOT NULL DEFAULT 0,                    -- 1: a person agreed to that
    source TEXT,                                             -- where its bytes came from
    not_before TEXT,                                         -- it does not serve earlier; NULL: at once
    created_at TEXT NOT NULL,                                -- when it began
    updated_at TEXT NOT NULL                                 -- when its state last changed
);

CREATE INDEX installs_by_state ON installs (state);

CREATE INDEX installs_by_release ON installs (release_cid);

CREATE TABLE first_seen (
    release_cid TEXT NOT NULL PRIMARY KEY,                   -- a release
    at TEXT NOT NULL                                         -- when this home first saw it or heard of it
);

CREATE TABLE pins (
    target TEXT NOT NULL PRIMARY KEY,                        -- a slot, a task name or a skill: no update changes it by itself
    release_cid TEXT NOT NULL,                               -- what it stays at
    by TEXT NOT NULL,                                        -- who pinned it
    at TEXT NOT NULL                                         -- when
);

CREATE TABLE skills (
    name TEXT NOT NULL PRIMARY KEY,                          -- the skill's name
    release_cid TEXT,                                        -- the release that is used
    origin TEXT NOT NULL,                                    -- who chose it: owner update
    activated_at TEXT NOT NULL                               -- since when
);

CREATE TABLE skill_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number of the change
    name TEXT NOT NULL,                                      -- the skill
    release_cid TEXT,                                        -- the release from then on; NULL: none
    at TEXT NOT NULL,                                        -- when
    action TEXT NOT NULL,                                    -- use remove rollback update …
    actor TEXT,                                              -- who did it
    reason TEXT,                                             -- why, for a person
    restores INTEGER                                         -- the change that a rollback went back to
);

CREATE INDEX skill_history_by_name ON skill_history (name, id);

CREATE TABLE trials (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number
    slot TEXT NOT NULL,                                      -- the slot
    release_cid TEXT NOT NULL,                               -- the release on trial
    mode TEXT NOT NULL,                                      -- shadow, or canary N%
    decisions INTEGER NOT NULL DEFAULT 0,                    -- decisions that it took part in
    differed INTEGER NOT NULL DEFAULT 0,                     -- of those: it answered otherwise than what serves
    failed INTEGER NOT NULL DEFAULT 0,                       -- of those: it trapped, was late or broke its contract
    refused INTEGER NOT NULL DEFAULT 0,                      -- of those: it refused where what serves did not
    recent TEXT NOT NULL DEFAULT '',                         -- its last decisions, oldest first: . fine, r refused, f failed
    started_at TEXT NOT NULL,                                -- when
    ended_at TEXT,                                           -- when; NULL: it goes on
    outcome TEXT                                             -- why it ended: enforced returned quarantined replaced
);

CREATE INDEX trials_by_slot ON trials (slot, id);

CREATE TABLE trial_differences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number
    trial INTEGER NOT NULL,                                  -- the trial
    decision_cid TEXT NOT NULL,                              -- the decision
    task TEXT NOT NULL,                                      -- the task's name
    serving TEXT NOT NULL,                                   -- what the serving version answered
    trial_answer TEXT NOT NULL,                              -- what the one on trial answered
    at TEXT NOT NULL                                         -- when
);

CREATE INDEX trial_differences_by_trial ON trial_differences (trial, id);

CREATE TABLE grants (
    name TEXT NOT NULL,                                      -- the task's name that a directory was granted to
    directory TEXT NOT NULL,                                 -- the directory, as weft.toml has it
    component_cid TEXT NOT NULL,                             -- the binary that was meant: another one inherits nothing
    by TEXT NOT NULL,                                        -- who granted it
    at TEXT NOT NULL,                                        -- when
    PRIMARY KEY (name, directory, component_cid)
);
