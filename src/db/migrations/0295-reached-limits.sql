-- Tells that a limit of a user refused something: each limit once on a day of the calendar that limits go by, so that a caller who
-- goes on trying does not fill the feed. Batches call it, with the user's default wallet locked, so no two tell the same at once.
CREATE FUNCTION announce_reached_limits(users bigint[], currencies text[], kinds text[], limits numeric[], days bigint[],
  resets bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT kinds <@ ARRAY['held', 'day_out', 'day_in', 'month_out', 'month_in', 'day_count'] THEN
    RAISE EXCEPTION 'a kind among % is none of a limit that can be reached', kinds USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO announcements (type, subject, user_ids, data)
  SELECT 'limit.reached', 'users/' || r.user_id, ARRAY[r.user_id],
    jsonb_strip_nulls(jsonb_build_object('user_id', r.user_id::text, 'currency', r.currency, 'kind', r.kind, 'limit', r.most::text,
      'day', r.day::text, 'resets_at', r.resets_at::text))
  FROM unnest(users, currencies, kinds, limits, days, resets) AS r (user_id, currency, kind, most, day, resets_at)
  -- Each finds its own by the index: a join read all that were told where few were counted when a session made its plan.
  WHERE (SELECT count(*) FROM announcements a WHERE a.type = 'limit.reached' AND a.subject = 'users/' || r.user_id
    AND a.data ->> 'currency' = r.currency AND a.data ->> 'kind' = r.kind AND a.data ->> 'day' = r.day::text) = 0;
END $$;
REVOKE ALL ON FUNCTION announce_reached_limits(bigint[], text[], text[], numeric[], bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_reached_limits(bigint[], text[], text[], numeric[], bigint[], bigint[]) TO ppuri_app, ppuri_worker;
-- few rows: announcements are new in this release, and those of limits are few.
CREATE INDEX announcements_of_limits ON announcements (subject) WHERE type = 'limit.reached';
