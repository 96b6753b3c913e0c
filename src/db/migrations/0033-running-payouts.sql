-- The few payouts that run, among all that ever did: looked for whenever a worker's metrics are read.
CREATE INDEX payouts_running ON payouts (started_at) WHERE state = 'running';
