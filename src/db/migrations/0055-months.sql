-- The months of transfers that a process may ask for: whoever takes one over makes no thousand partitions.
CREATE FUNCTION open_transfer_months(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 24 THEN
    RAISE EXCEPTION 'partitions are made up to 24 months ahead, not %', months_ahead
      USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  PERFORM public.ensure_transfer_partitions(months_ahead);
END $$;
REVOKE ALL ON FUNCTION open_transfer_months(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_transfer_months(integer) TO ppuri_app, ppuri_worker;
REVOKE ALL ON FUNCTION ensure_transfer_partitions(integer) FROM ppuri_app, ppuri_worker;
