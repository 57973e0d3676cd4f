-- The schema that the migrations make, for reading. Renewed by `WEFT_RENEW_SCHEMA=1 cargo test -p weft-store --test schema`.

CREATE TABLE blocks (
    cid TEXT NOT NULL PRIMARY KEY,                           -- CID of the bytes
    bytes BLOB NOT NULL,                                     -- a small DAG-CBOR record
    added_at TEXT NOT NULL                                   -- when it came here
);

CREATE TABLE carbon_impact (
    id INTEGER PRIMARY KEY,                                  -- running number
    delegated_at TEXT DEFAULT (datetime('now')),             -- when it ran
    task_id TEXT DEFAULT NULL,                               -- the task
    task_name TEXT DEFAULT NULL,                             -- its name
    from_device TEXT DEFAULT NULL,                           -- the submitter's device
    to_device TEXT DEFAULT NULL,                             -- the device that ran it
    grid_carbon_at_execution REAL DEFAULT NULL,              -- the worker's grid in g per kWh; NULL: unknown
    renewable_percent_at_execution REAL DEFAULT NULL,        -- its clean share, 0 to 100; NULL: unknown
    energy_wh REAL DEFAULT NULL,                             -- what it used in watt-hours; NULL: unknown
    carbon_emitted_kg REAL DEFAULT NULL,                     -- emitted_mg in kg; NULL: unknown
    carbon_saved_kg REAL DEFAULT NULL,                       -- avoided_mg in kg; NULL: unknown
    emitted_mg INTEGER DEFAULT NULL,                         -- milligrams of CO2 equivalent; NULL: unknown
    avoided_mg INTEGER DEFAULT NULL,                         -- milligrams avoided, negative when worse; NULL: unknown
    quality TEXT DEFAULT 'unknown'                           -- worst input: measured modelled declared unknown
);

CREATE INDEX carbon_impact_by_time ON carbon_impact (delegated_at);

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

CREATE INDEX content_leaves_by_cid ON content_leaves (cid, root);

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

CREATE TABLE decisions (
    cid TEXT NOT NULL PRIMARY KEY,                           -- CID of the decision record (in blocks)
    task_id TEXT NOT NULL,                                   -- the task
    attempt INTEGER NOT NULL,                                -- which decision about it, from 1
    at TEXT NOT NULL,                                        -- the decision's now
    verdict TEXT NOT NULL                                    -- run-here delegate defer block queue
);

CREATE INDEX decisions_by_task ON decisions (task_id, attempt);

CREATE TABLE delegation_hours (
    id TEXT DEFAULT (lower(hex(randomblob(8)))),             -- the owner's name for the row, unique per user
    user_id TEXT,                                            -- whose hours
    day_of_week INTEGER DEFAULT NULL,                        -- 0 = Sunday to 6; NULL: every day
    start_hour INTEGER DEFAULT NULL,                         -- 0 to 23, in the owner's zone
    start_minute INTEGER DEFAULT 0,                          -- 0 to 59
    end_hour INTEGER DEFAULT NULL,                           -- 0 to 24; before the start: the next day
    end_minute INTEGER DEFAULT NULL,                         -- 0 to 59, exclusive; NULL: 0, after hour 23: 24:00
    is_active INTEGER DEFAULT 1,                             -- 1: in force, 0: not looked at
    description TEXT DEFAULT NULL,                           -- for a person
    created_at TEXT DEFAULT (datetime('now')),               -- when it was written
    PRIMARY KEY (user_id, id)
);

CREATE TABLE devices (
    did TEXT NOT NULL PRIMARY KEY,                           -- the device's key
    member TEXT NOT NULL,                                    -- the member whose it is
    is_self INTEGER NOT NULL,                                -- 1: this device
    addresses TEXT NOT NULL DEFAULT '[]',                    -- JSON list: where it was reached or says that it listens
    seen_at TEXT,                                            -- last sign of life; NULL: none yet
    revoked_at TEXT                                          -- when it lost its place; NULL: it has it
);

CREATE TABLE energy (
    device TEXT PRIMARY KEY DEFAULT 'self',                  -- always self: this node
    energy_type TEXT DEFAULT 'unknown',                      -- solar wind hydro nuclear biomass gas oil coal battery unknown
    percent_clean REAL DEFAULT NULL,                         -- 0 to 100; NULL: unknown
    grid_g_per_kwh REAL DEFAULT NULL,                        -- grams of CO2 equivalent per kWh; NULL: unknown
    source TEXT DEFAULT 'declared',                          -- how it is known: measured modelled declared unknown
    updated_at TEXT DEFAULT (datetime('now'))                -- when it was written
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

CREATE TABLE ethical_rules (
    id TEXT DEFAULT (lower(hex(randomblob(8)))),             -- the owner's name for the rule, unique per user
    user_id TEXT,                                            -- whose rule
    rule_type TEXT DEFAULT NULL,                             -- the kind; the ethics policies know which there are
    rule_value TEXT DEFAULT NULL,                            -- what the kind needs; NULL: nothing
    enforcement_level TEXT DEFAULT 'strict',                 -- strict: blocks, warn: warns
    is_active INTEGER DEFAULT 1,                             -- 1: in force, 0: not looked at
    reasoning TEXT DEFAULT NULL,                             -- why, for a person
    created_at TEXT DEFAULT (datetime('now')),               -- when it was written
    updated_at TEXT DEFAULT (datetime('now')),               -- when it was last changed
    PRIMARY KEY (user_id, id)
);

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

CREATE INDEX events_by_kind ON events (kind);

CREATE INDEX events_by_place ON events (author, seq);

CREATE TABLE execution_history (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), -- the entry's id
    task_id TEXT,                                            -- the task
    status TEXT,                                             -- the status it took
    reasoning TEXT DEFAULT NULL,                             -- why, in the known words
    timestamp TEXT DEFAULT (datetime('now'))                 -- when
);

CREATE INDEX execution_history_by_task ON execution_history (task_id);

CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number
    release_cid TEXT NOT NULL,                               -- the release that failed
    slot TEXT,                                               -- in which slot; NULL: as a workload
    at TEXT NOT NULL,                                        -- when
    at_ms INTEGER NOT NULL,                                  -- the same in ms, for the breaker's window
    kind TEXT NOT NULL,                                      -- trap deadline memory output
    message TEXT                                             -- what it said
);

CREATE INDEX faults_by_release ON faults (release_cid, at_ms);

CREATE TABLE feedback (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), -- the entry's id
    task_id TEXT,                                            -- the task
    user_id TEXT DEFAULT NULL,                               -- who says so
    rating INTEGER DEFAULT NULL,                             -- 1 (bad) to 5 (good); NULL: words only
    comment TEXT DEFAULT NULL,                               -- free words
    created_at TEXT DEFAULT (datetime('now'))                -- when
);

CREATE INDEX feedback_by_task ON feedback (task_id);

CREATE TABLE first_seen (
    release_cid TEXT NOT NULL PRIMARY KEY,                   -- a release
    at TEXT NOT NULL                                         -- when this home first saw it or heard of it
);

CREATE TABLE grants (
    name TEXT NOT NULL,                                      -- the task's name that a directory was granted to
    directory TEXT NOT NULL,                                 -- the directory, as weft.toml has it
    component_cid TEXT NOT NULL,                             -- the binary that was meant: another one inherits nothing
    by TEXT NOT NULL,                                        -- who granted it
    at TEXT NOT NULL,                                        -- when
    PRIMARY KEY (name, directory, component_cid)
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

CREATE TABLE high_water (
    publisher TEXT NOT NULL,                                 -- the publisher's DID
    name TEXT NOT NULL,                                      -- the release's name
    revision INTEGER NOT NULL,                               -- the highest revision that was accepted
    release_cid TEXT NOT NULL,                               -- which release that was
    at TEXT NOT NULL,                                        -- when
    PRIMARY KEY (publisher, name)
);

CREATE TABLE importance_votes (
    id TEXT PRIMARY KEY,                                     -- the poll's id
    task_name TEXT,                                          -- whose importance
    opener TEXT DEFAULT NULL,                                -- who opened it
    opened_at TEXT DEFAULT (datetime('now')),                -- when
    closes_at TEXT DEFAULT NULL,                             -- ballots count until then
    status TEXT DEFAULT 'open',                              -- open closed aborted
    method TEXT DEFAULT NULL,                                -- CID of the voting release
    consensus TEXT DEFAULT NULL,                             -- the importance that won; NULL: undecided
    confidence REAL DEFAULT NULL,                            -- its share of the weight, 0 to 1
    closed_at TEXT DEFAULT NULL,                             -- when it was closed
    event_cid TEXT DEFAULT NULL                              -- the event that closed it
);

CREATE INDEX importance_votes_by_name ON importance_votes (task_name, closed_at);

CREATE INDEX importance_votes_by_status ON importance_votes (status, closes_at);

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

CREATE INDEX installs_by_release ON installs (release_cid);

CREATE INDEX installs_by_state ON installs (state);

CREATE TABLE invite_uses (
    key TEXT NOT NULL,                                       -- the invite
    device TEXT NOT NULL,                                    -- the device that came by it
    member TEXT NOT NULL,                                    -- the member whose it is
    at TEXT NOT NULL,                                        -- when
    PRIMARY KEY (key, device)
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

CREATE TABLE members (
    user_id TEXT PRIMARY KEY,                                -- a name such as alice@example.com
    did TEXT DEFAULT NULL,                                   -- the member's key; NULL: a name local to this node
    role TEXT DEFAULT 'member',                              -- admin member guest
    device_did TEXT DEFAULT NULL,                            -- a device's key that the member certified
    is_self INTEGER DEFAULT 0,                               -- 1: the owner of this node
    joined_at TEXT DEFAULT (datetime('now')),                -- since when
    removed_at TEXT DEFAULT NULL                             -- when it left or was removed; NULL: it is in
);

CREATE INDEX members_by_did ON members (did);

CREATE TABLE mesh_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number, never used twice
    timestamp TEXT DEFAULT (datetime('now')),                -- when
    kind TEXT,                                               -- what happened: task.deferred, policy.swapped …
    severity TEXT DEFAULT 'info',                            -- debug info warning alarm
    subject TEXT DEFAULT NULL,                               -- whom it concerns: task id, peer id, release CID, user
    message TEXT DEFAULT NULL,                               -- one sentence for a person
    details TEXT DEFAULT '{}'                                -- JSON object
);

CREATE INDEX mesh_events_by_subject ON mesh_events (subject);

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,                           -- what
    value TEXT NOT NULL                                      -- its value
);

CREATE TABLE metrics (
    id INTEGER PRIMARY KEY,                                  -- running number
    name TEXT,                                               -- what is measured
    value REAL DEFAULT NULL,                                 -- the figure
    unit TEXT DEFAULT NULL,                                  -- its unit
    labels TEXT DEFAULT '{}',                                -- JSON object
    timestamp TEXT DEFAULT (datetime('now'))                 -- when
);

CREATE INDEX metrics_by_name ON metrics (name, timestamp);

CREATE TABLE models (
    name TEXT NOT NULL PRIMARY KEY,                          -- what people call it here
    cid TEXT NOT NULL,                                       -- the content that lists its files
    size INTEGER NOT NULL,                                   -- bytes of all its files
    license TEXT NOT NULL DEFAULT '',                        -- SPDX expression, or what its source says; empty: unknown
    source TEXT NOT NULL DEFAULT '',                         -- where it came from
    added_at TEXT NOT NULL DEFAULT (datetime('now'))         -- when
);

CREATE INDEX models_by_cid ON models (cid);

CREATE TABLE native_cache (
    component_cid TEXT NOT NULL,                             -- the component
    engine_profile TEXT NOT NULL,                            -- the engine's version, target and settings
    digest TEXT NOT NULL,                                    -- sha256 of the cached native code, hex
    created_at TEXT NOT NULL,                                -- when it was compiled
    PRIMARY KEY (component_cid, engine_profile)
);

CREATE TABLE peer_permissions (
    peer_id TEXT,                                            -- a peer's id or alias; *: any peer
    user_id TEXT,                                            -- whose tasks; *: anyone's
    can_execute_task TEXT DEFAULT '0',                       -- a task's name; * or 1: any task, 0: none; no row: none
    created_at TEXT DEFAULT (datetime('now')),               -- when it was written
    PRIMARY KEY (peer_id, user_id, can_execute_task)
);

CREATE TABLE peers (
    peer_id TEXT PRIMARY KEY,                                -- the device's id on the mesh
    alias TEXT DEFAULT NULL,                                 -- the owner's own name for it
    name TEXT DEFAULT NULL,                                  -- what it calls itself
    user_id TEXT DEFAULT NULL,                               -- whose device it is
    did TEXT DEFAULT NULL,                                   -- the device's key
    addresses TEXT DEFAULT '[]',                             -- JSON list of multiaddresses
    location TEXT DEFAULT NULL,                              -- free words
    energy_type TEXT DEFAULT 'unknown',                      -- solar wind hydro nuclear biomass gas oil coal battery unknown
    percent_clean REAL DEFAULT NULL,                         -- 0 to 100
    grid_g_per_kwh REAL DEFAULT NULL,                        -- grams of CO2 equivalent per kWh
    cpu_free REAL DEFAULT NULL,                              -- free cores
    memory_free_mb REAL DEFAULT NULL,                        -- free memory in MB
    disk_free_mb REAL DEFAULT NULL,                          -- free disk in MB
    battery_percent REAL DEFAULT NULL,                       -- 0 to 100; NULL: no battery, or unknown
    plugged_in INTEGER DEFAULT NULL,                         -- 1: on mains, 0: on battery
    thermal_headroom REAL DEFAULT NULL,                      -- from 1, cold, to 0, throttling
    idle REAL DEFAULT NULL,                                  -- from 1, nobody uses it, to 0, in use
    rtt_ms REAL DEFAULT NULL,                                -- round trip from here in ms
    path_class TEXT DEFAULT NULL,                            -- lan direct relayed unreachable
    cost REAL DEFAULT NULL,                                  -- credits it asks for
    reputation REAL DEFAULT NULL,                            -- 0 to 1
    timezone TEXT DEFAULT NULL,                              -- its IANA zone
    online INTEGER DEFAULT 1,                                -- 1: reachable when last seen
    origin TEXT DEFAULT 'configured',                        -- configured: by its owner here; advert: by itself
    last_seen TEXT DEFAULT NULL,                             -- last sign of life
    updated_at TEXT DEFAULT (datetime('now'))                -- when this row last changed
, queue_depth INTEGER);

CREATE INDEX peers_by_alias ON peers (alias);

CREATE TABLE pins (
    target TEXT NOT NULL PRIMARY KEY,                        -- a slot, a task name or a skill: no update changes it by itself
    release_cid TEXT NOT NULL,                               -- what it stays at
    by TEXT NOT NULL,                                        -- who pinned it
    at TEXT NOT NULL                                         -- when
);

CREATE TABLE public_content (
    cid TEXT NOT NULL,                                       -- a content, or a block of a release that lies in blocks
    sake TEXT NOT NULL,                                      -- whose word it is: owner, or the CID of a public release
    at TEXT NOT NULL,                                        -- since when
    PRIMARY KEY (cid, sake)
);

CREATE INDEX public_content_by_sake ON public_content (sake);

CREATE TABLE quarantine (
    release_cid TEXT NOT NULL PRIMARY KEY,                   -- the release that must not run
    reason TEXT NOT NULL,                                    -- what it did
    at TEXT NOT NULL,                                        -- since when
    lifted_at TEXT,                                          -- when a person lifted it; NULL: it stands
    lifted_by TEXT                                           -- who did
);

CREATE TABLE releases (
    cid TEXT NOT NULL PRIMARY KEY,                           -- the release's CID
    name TEXT NOT NULL,                                      -- its name
    publisher TEXT NOT NULL,                                 -- the publisher's DID
    version TEXT NOT NULL,                                   -- semver
    revision INTEGER NOT NULL,                               -- rises per (publisher, name)
    kind TEXT NOT NULL,                                      -- policy workload skill
    world TEXT NOT NULL,                                     -- weft:scorer/scorer@0.1.0 …
    slot TEXT,                                               -- the slot it serves; NULL: not a policy
    record BLOB NOT NULL,                                    -- the release record, canonical DAG-CBOR
    envelope BLOB NOT NULL,                                  -- its signatures
    component_cid TEXT NOT NULL,                             -- CID of the component
    imports TEXT NOT NULL,                                   -- JSON list of what it imports
    features TEXT NOT NULL,                                  -- JSON list of what it reads
    description TEXT,                                        -- for a person
    state TEXT NOT NULL,                                     -- where in the installation: fetched … active retired quarantined
    note TEXT,                                               -- why it is there, or what consent it waits for
    added_at TEXT NOT NULL,                                  -- when it came here
    updated_at TEXT NOT NULL                                 -- when its state last changed
);

CREATE INDEX releases_by_component ON releases (component_cid);

CREATE INDEX releases_by_name ON releases (name, revision);

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

CREATE TABLE skills (
    name TEXT NOT NULL PRIMARY KEY,                          -- the skill's name
    release_cid TEXT,                                        -- the release that is used
    origin TEXT NOT NULL,                                    -- who chose it: owner update
    activated_at TEXT NOT NULL                               -- since when
);

CREATE TABLE slot_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number of the change
    slot TEXT NOT NULL,                                      -- the slot
    at TEXT NOT NULL,                                        -- when
    action TEXT NOT NULL,                                    -- use add remove rollback quarantine genesis …
    actor TEXT,                                              -- who did it
    reason TEXT,                                             -- why, for a person
    bindings TEXT NOT NULL,                                  -- JSON: all bindings of the slot after the change
    restores INTEGER                                         -- the change that a rollback went back to
);

CREATE INDEX slot_history_by_slot ON slot_history (slot, id);

CREATE TABLE slots (
    slot TEXT,                                               -- the judgment: scorer, consent, ethics …
    position INTEGER DEFAULT 0,                              -- order within a slot that holds several, from 0
    release_cid TEXT,                                        -- the release that serves it
    config BLOB DEFAULT (x''),                               -- canonical CBOR; empty: every default
    mode TEXT DEFAULT 'enforce',                             -- enforce, shadow, or canary N%
    origin TEXT DEFAULT 'owner',                             -- who chose it: genesis, constitution or owner (a pin)
    activated_at TEXT DEFAULT (datetime('now')),             -- since when
    PRIMARY KEY (slot, position)
);

CREATE TABLE task_cooldown (
    user_id TEXT PRIMARY KEY,                                -- the device's owner
    last_task_id TEXT DEFAULT NULL,                          -- the task that ran last
    last_executed_at TEXT DEFAULT (datetime('now')),         -- when it ended
    idle_until TEXT DEFAULT NULL,                            -- the device rests until then; NULL: it doesn't
    reason TEXT DEFAULT NULL                                 -- for a person
);

CREATE TABLE task_delegations (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), -- the lease's id
    task_id TEXT,                                            -- the task
    task_name TEXT DEFAULT NULL,                             -- its name
    user_id TEXT DEFAULT NULL,                               -- who submitted it
    from_device TEXT DEFAULT NULL,                           -- peer id of the submitter's device
    to_device TEXT DEFAULT NULL,                             -- peer id of the worker
    attempt INTEGER DEFAULT 1,                               -- which try, from 1
    score REAL DEFAULT NULL,                                 -- what the scorer gave it
    status TEXT DEFAULT 'leased',                            -- leased running done failed refused lost
    reason TEXT DEFAULT NULL,                                -- why it ended so, for a person
    delegated_at TEXT DEFAULT (datetime('now')),             -- when the lease was given
    finished_at TEXT DEFAULT NULL,                           -- when it ended; NULL: it hasn't
    receipt_cid TEXT DEFAULT NULL                            -- the worker's receipt
);

CREATE INDEX task_delegations_by_task ON task_delegations (task_id);

CREATE TABLE tasks (
    id TEXT PRIMARY KEY,                                     -- the task's id
    user_id TEXT,                                            -- who submitted it
    name TEXT,                                               -- what is asked for; bound to a workload
    tags TEXT DEFAULT '[]',                                  -- JSON list of words
    spec TEXT DEFAULT '{}',                                  -- JSON: params, input, limits, as submitted
    status TEXT DEFAULT 'queued',                            -- queued deferred running delegated done failed blocked cancelled
    reason TEXT DEFAULT NULL,                                -- why it is in this status, for a person
    warning TEXT DEFAULT NULL,                               -- soft violations and fallbacks, for a person
    importance TEXT DEFAULT NULL,                            -- critical high normal low non-critical; NULL: not decided
    urgency TEXT DEFAULT NULL,                               -- what the submitter proposed; NULL: nothing
    sla TEXT DEFAULT NULL,                                   -- patience class: urgent high normal eco …
    poll_id TEXT DEFAULT NULL,                               -- the vote on its importance
    attempt INTEGER DEFAULT 0,                               -- decisions taken so far
    duration_ms INTEGER DEFAULT 0,                           -- expected run time in ms; 0: not said
    memory_mb INTEGER DEFAULT 0,                             -- memory it asks for in MB; 0: not said
    next_window_start TEXT DEFAULT NULL,                     -- when its owner's next window opens
    retry_at TEXT DEFAULT NULL,                              -- decided again from then on; NULL: on another event
    decision_cid TEXT DEFAULT NULL,                          -- the last decision record
    violations TEXT DEFAULT '[]',                            -- JSON list of what the ethics policies found
    peer TEXT DEFAULT NULL,                                  -- the peer that runs it; NULL: none, or this node
    output_path TEXT DEFAULT NULL,                           -- file that holds the output
    output_cid TEXT DEFAULT NULL,                            -- the output's CID
    summary TEXT DEFAULT NULL,                               -- one line that the workload returned
    receipt_cid TEXT DEFAULT NULL,                           -- the receipt's CID
    submitted_at TEXT DEFAULT (datetime('now')),             -- when it was accepted
    admitted_at TEXT DEFAULT NULL,                           -- when the quota admitted it; NULL: not counted
    started_at TEXT DEFAULT NULL,                            -- when the last attempt began to run
    updated_at TEXT DEFAULT (datetime('now')),               -- when this row last changed
    finished_at TEXT DEFAULT NULL                            -- when it reached its end; NULL: it hasn't
);

CREATE INDEX tasks_by_status ON tasks (status, retry_at);

CREATE INDEX tasks_by_submission ON tasks (submitted_at);

CREATE INDEX tasks_by_user ON tasks (user_id, admitted_at);

CREATE TABLE traces (
    decision_cid TEXT NOT NULL PRIMARY KEY,                  -- the decision
    json TEXT NOT NULL                                       -- JSON: fuel and wall time per step
);

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

CREATE TABLE user_preferences (
    user_id TEXT PRIMARY KEY,                                -- whose preferences
    min_idle_between_tasks_minutes INTEGER DEFAULT 5,        -- rest between two tasks in minutes; 0: none
    timezone TEXT DEFAULT NULL,                              -- IANA zone of the hours; NULL: the system's
    critical_any_hour INTEGER DEFAULT 1,                     -- 1: critical tasks pass the hours
    critical_any_idle INTEGER DEFAULT 0,                     -- 1: critical tasks pass the rest between tasks
    updated_at TEXT DEFAULT (datetime('now'))                -- when this row was written
);

CREATE TABLE user_tiers (
    user_id TEXT PRIMARY KEY,                                -- the member
    tier TEXT DEFAULT 'free',                                -- free supporter contributor, or what a policy names
    tasks INTEGER DEFAULT 0,                                 -- tasks done
    votes INTEGER DEFAULT 0,                                 -- ballots cast
    donations REAL DEFAULT 0,                                -- sum of donations, in the community's unit
    donated_at TEXT DEFAULT NULL,                            -- the last donation that an admin recorded
    granted TEXT DEFAULT NULL,                               -- a tier that an admin gave by hand
    updated_at TEXT DEFAULT (datetime('now'))                -- when this row last changed
);

CREATE TABLE votes (
    poll_id TEXT,                                            -- the poll
    member TEXT,                                             -- the member's DID; an unbound name where there is none
    user_id TEXT DEFAULT NULL,                               -- the name it voted under
    choice TEXT,                                             -- an importance
    counter INTEGER DEFAULT 1,                               -- the member's n-th ballot here; the highest counts
    weight REAL DEFAULT NULL,                                -- what it weighed; NULL: not tallied
    cast_at TEXT DEFAULT (datetime('now')),                  -- when
    event_cid TEXT DEFAULT NULL,                             -- the signed ballot; at equal counters the lowest counts
    PRIMARY KEY (poll_id, member)
);

CREATE INDEX votes_by_member ON votes (member);

CREATE TABLE workload_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                    -- running number of the change
    name TEXT NOT NULL,                                      -- the task name
    release_cid TEXT,                                        -- the release from then on; NULL: unbound
    at TEXT NOT NULL,                                        -- when
    action TEXT NOT NULL,                                    -- use remove rollback genesis …
    actor TEXT,                                              -- who did it
    reason TEXT,                                             -- why, for a person
    restores INTEGER                                         -- the change that a rollback went back to
);

CREATE INDEX workload_history_by_name ON workload_history (name, id);

CREATE TABLE workloads (
    name TEXT PRIMARY KEY,                                   -- the task name that it serves
    release_cid TEXT,                                        -- the release that runs
    origin TEXT DEFAULT 'owner',                             -- who chose it: genesis or owner
    activated_at TEXT DEFAULT (datetime('now'))              -- since when
);
