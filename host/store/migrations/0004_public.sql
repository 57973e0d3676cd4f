-- What is public: contents, and the records of releases, that anybody may fetch, member or not.

CREATE TABLE public_content (
    cid TEXT NOT NULL,                                       -- a content, or a block of a release that lies in blocks
    sake TEXT NOT NULL,                                      -- whose word it is: owner, or the CID of a public release
    at TEXT NOT NULL,                                        -- since when
    PRIMARY KEY (cid, sake)
);
CREATE INDEX public_content_by_sake ON public_content (sake);

-- With the root, so that a leaf of a thousand places in a private file costs one look.
DROP INDEX content_leaves_by_cid;
CREATE INDEX content_leaves_by_cid ON content_leaves (cid, root);
