-- The ledger sends COMMIT along with what a batch writes, before it knows how many rows each statement touched. So a statement
-- that leaves out rows without an error asks here whether it touched all of them; an error turns that COMMIT into a rollback.
CREATE FUNCTION require_row_count(touched bigint, required bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF touched <> required THEN
    RAISE EXCEPTION '% of % rows were touched: another batch came between', touched, required
      USING ERRCODE = 'serialization_failure';
  END IF;
END $$;
REVOKE ALL ON FUNCTION require_row_count(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION require_row_count(bigint, bigint) TO ppuri_app, ppuri_worker;
