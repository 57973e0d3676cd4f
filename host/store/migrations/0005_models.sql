-- Models: directories of files that workloads compute with.

CREATE TABLE models (
    name TEXT NOT NULL PRIMARY KEY,                          -- what people call it here
    cid TEXT NOT NULL,                                       -- the content that lists its files
    size INTEGER NOT NULL,                                   -- bytes of all its files
    license TEXT NOT NULL DEFAULT '',                        -- SPDX expression, or what its source says; empty: unknown
    source TEXT NOT NULL DEFAULT '',                         -- where it came from
    added_at TEXT NOT NULL DEFAULT (datetime('now'))         -- when
);
CREATE INDEX models_by_cid ON models (cid);
