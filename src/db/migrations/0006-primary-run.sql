-- Which run of Postgres is the primary: one row, written by the first process that meets a new run. A replica that has
-- it follows this primary and no other, so its position in the log can be held against the primary's. Positions alone
-- say nothing: after a failover or a restored backup a replica of the old primary may stand further and lack everything.
CREATE TABLE primary_run (
  is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
  started_at timestamptz NOT NULL
);
INSERT INTO primary_run (started_at) VALUES ('2000-01-01Z');

GRANT SELECT, UPDATE (started_at) ON primary_run TO ppuri_app;
