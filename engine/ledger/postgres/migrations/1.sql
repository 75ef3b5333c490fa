-- Ledgers in one database, version 1: lines, checkpoints and evidence are added and never changed.
-- Reading: usage of the schema and select. Writing: insert as well, and update of hints; nothing else.

CREATE SCHEMA gate_ledger;
SET LOCAL search_path = gate_ledger;

CREATE TABLE migrations (
    version integer PRIMARY KEY
);

CREATE TABLE logs (
    log  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- the verifier key that a log was begun with
CREATE TABLE verifiers (
    log  integer PRIMARY KEY REFERENCES logs,
    line bytea NOT NULL
);

-- ends: bytes of the exported log up to this line's end, line feeds included
-- (no reference to logs, whose check would take longer than the line itself; `append` is given a known log)
CREATE TABLE lines (
    log    integer NOT NULL,
    number bigint  NOT NULL,
    ends   bigint  NOT NULL,
    line   bytea   NOT NULL,
    PRIMARY KEY (log, number)
);

CREATE TABLE checkpoints (
    log  integer NOT NULL REFERENCES logs,
    size bigint  NOT NULL,
    note bytea   NOT NULL,
    PRIMARY KEY (log, size)
);

-- the checkpoints again, in the order in which they were published: the last one is the latest
CREATE TABLE published (
    log   integer NOT NULL REFERENCES logs,
    place bigint GENERATED ALWAYS AS IDENTITY,
    note  bytea   NOT NULL,
    PRIMARY KEY (log, place)
);

-- what time-stamping authorities and witnesses said; of one size and kind, the last one counts
CREATE TABLE vouched (
    log   integer NOT NULL REFERENCES logs,
    size  bigint  NOT NULL,
    kind  text COLLATE "C" NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    data  bytea   NOT NULL,
    PRIMARY KEY (log, size, kind, place)
);

CREATE TABLE evidence (
    log    integer NOT NULL REFERENCES logs,
    digest text COLLATE "C" NOT NULL,
    data   bytea NOT NULL,
    PRIMARY KEY (log, digest)
);
-- not compressed, so that a part can be read without the rest
ALTER TABLE evidence ALTER COLUMN data SET STORAGE EXTERNAL;

-- what speeds up the next seal; the only table that may change, and may be emptied
CREATE TABLE hints (
    log  integer PRIMARY KEY REFERENCES logs,
    data bytea NOT NULL
);

-- Add lines after all others, and give the number of the first; `ends` are where each of them ends, counted from
-- the first one's beginning (adding them up here would take a fifth of the time that the lock is held).
-- The first commit does not wait for the disk, so that the lock is held for as long as memory takes. The second,
-- of an empty message, does, and with it for everything before.
CREATE PROCEDURE append(log integer, added bytea[], ends bigint[], sealed bigint, INOUT first bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    start bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock(1734440037, log);
    SELECT one.number + 1, one.ends INTO first, start
        FROM gate_ledger.lines AS one WHERE one.log = log ORDER BY one.number DESC LIMIT 1;
    first := coalesce(first, 0);
    IF first < sealed THEN
        RAISE EXCEPTION 'the log has % entries, and its checkpoint covers %', first, sealed
            USING ERRCODE = 'GL001';
    END IF;
    INSERT INTO gate_ledger.lines
        SELECT log, first + one.place - 1, coalesce(start, 0) + one.ends, one.line
        FROM unnest(added, ends) WITH ORDINALITY AS one (line, ends, place);
    COMMIT;
    PERFORM pg_logical_emit_message(true, 'gate', '');
END $$;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are never changed or removed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

DO $$
DECLARE kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['migrations', 'logs', 'verifiers', 'lines', 'checkpoints', 'published',
                                'vouched', 'evidence'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse()', kept);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', kept);
    END LOOP;
END $$;

INSERT INTO migrations VALUES (1);
