-- A transfer that an operator reverses. Postgres uses new kinds only after the migration that adds them.
ALTER TYPE transfer_kind ADD VALUE 'reversal';
