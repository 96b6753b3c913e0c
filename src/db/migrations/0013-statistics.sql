-- Figures for ops: one row for each hour or day that is over, each measure, and each of what it is divided by.

CREATE TABLE statistics (
  period text NOT NULL CHECK (period IN ('hour', 'day')),
  -- In UTC.
  starts_at timestamptz NOT NULL,
  measure text NOT NULL,
  -- What the figure is of: a kind of transfer, a room, an RPC; empty where it is of everything.
  label text NOT NULL DEFAULT '',
  -- Of amounts; empty for all else.
  currency text NOT NULL DEFAULT '',
  value double precision NOT NULL,
  PRIMARY KEY (period, measure, starts_at, label, currency)
);

-- What server processes counted and will not count again: calls, how long they took, what caches had.
CREATE TABLE samples (
  at timestamptz NOT NULL DEFAULT now(),
  measure text NOT NULL,
  label text NOT NULL,
  value double precision NOT NULL
);
CREATE INDEX samples_by_time ON samples USING brin (at);

GRANT SELECT ON statistics, samples TO ppuri_app;
GRANT INSERT ON samples TO ppuri_app;
GRANT INSERT, DELETE ON statistics TO ppuri_worker;
GRANT DELETE ON samples TO ppuri_worker;
