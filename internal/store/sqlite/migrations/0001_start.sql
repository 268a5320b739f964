-- The state of one Maestro, as package store describes it. Columns that change come first and blobs last, so that a
-- row's small part is found without reading its large one.

-- What all versions of a workflow share. AUTOINCREMENT keeps the internal id of a deleted workflow from coming back.
CREATE TABLE workflow (
  internal       INTEGER PRIMARY KEY AUTOINCREMENT,
  id             TEXT    NOT NULL CONSTRAINT workflow_id UNIQUE,
  inline         INTEGER NOT NULL,
  active         INTEGER NOT NULL,
  latest         INTEGER NOT NULL,
  activate_time  INTEGER NOT NULL,
  modify_time    INTEGER NOT NULL,
  first_instance INTEGER NOT NULL,
  activated_by   BLOB,
  properties     BLOB,

  CONSTRAINT workflow_inline CHECK (inline IN (0, 1)),
  CONSTRAINT workflow_active CHECK (active BETWEEN 0 AND latest)
);

CREATE INDEX workflow_listed ON workflow (id) WHERE inline = 0;

INSERT INTO sqlite_sequence (name, seq)
VALUES ('workflow', 9999);

-- The last instance id that a deleted workflow of this name gave out: a new one of that name goes on above it.
CREATE TABLE retired (
  id            TEXT    NOT NULL PRIMARY KEY,
  last_instance INTEGER NOT NULL
) WITHOUT ROWID;

-- Deleted workflows whose rows are not all gone yet.
CREATE TABLE deletion (
  internal INTEGER PRIMARY KEY,
  id       TEXT NOT NULL
);

CREATE INDEX deletion_id ON deletion (id);

CREATE TABLE version (
  workflow   INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  created    INTEGER NOT NULL,
  metadata   BLOB,
  definition BLOB NOT NULL,

  CONSTRAINT version_key UNIQUE (workflow, version),
  CONSTRAINT version_positive CHECK (version > 0)
);

CREATE TABLE timeline (
  workflow INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  log      TEXT    NOT NULL,
  author   BLOB,

  CONSTRAINT timeline_key PRIMARY KEY (workflow, n)
) WITHOUT ROWID;

-- One row for each run. uuid is NULL for a run that has none; such a run takes no room in run_uuid.
CREATE TABLE run (
  id       INTEGER PRIMARY KEY,
  status   INTEGER NOT NULL,
  ended    INTEGER NOT NULL,
  wake     INTEGER NOT NULL,
  workflow INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  run      INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  grp      INTEGER NOT NULL,
  parent   INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  uuid     BLOB,
  header   BLOB NOT NULL,

  CONSTRAINT run_key UNIQUE (workflow, instance, run),
  CONSTRAINT run_positive CHECK (instance > 0 AND run > 0),
  CONSTRAINT run_uuid_length CHECK (length(uuid) = 16)
);

CREATE UNIQUE INDEX run_uuid ON run (workflow, uuid) WHERE uuid IS NOT NULL;
CREATE INDEX run_status ON run (workflow, status);
CREATE INDEX run_live ON run (grp, id) WHERE ended = 0;
CREATE INDEX run_wake ON run (grp, wake) WHERE wake > 0;

-- What happened, in the order in which everyone sees it. An entry about no run has run 0 and its pos as its seq.
-- journal_key is what makes the write of a second owner fail.
CREATE TABLE journal (
  pos  INTEGER PRIMARY KEY,
  run  INTEGER NOT NULL,
  seq  INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  data BLOB    NOT NULL,

  CONSTRAINT journal_key UNIQUE (run, seq),
  CONSTRAINT journal_seq CHECK (seq > 0)
);

-- The highest pos that was ever given out when entries were deleted: no pos is given twice.
CREATE TABLE journal_floor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  pos INTEGER NOT NULL
);

INSERT INTO journal_floor (one, pos)
VALUES (1, 0);

-- Who may write the runs of a group. An empty node means nobody.
CREATE TABLE lease (
  grp   INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  node  TEXT    NOT NULL,
  until INTEGER NOT NULL,

  CONSTRAINT lease_epoch CHECK (epoch > 0)
);

CREATE TABLE record (
  kind  TEXT NOT NULL,
  key   TEXT NOT NULL,
  value BLOB NOT NULL,

  CONSTRAINT record_key PRIMARY KEY (kind, key)
) WITHOUT ROWID;
