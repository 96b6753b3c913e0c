-- Each transfer names the API key that signed the call it was made by. It stays empty where no call made it, as for the
-- system's own jobs, and on every transfer from before. No index and no foreign key: it is read along with its row, and
-- keys may be purged.
ALTER TABLE transfers ADD COLUMN key_id text;
