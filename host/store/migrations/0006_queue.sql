-- How many tasks wait at a peer.

ALTER TABLE peers ADD COLUMN queue_depth INTEGER;            -- accepted there and not yet running; NULL: unknown
