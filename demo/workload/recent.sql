\set days random(1, 60)
SELECT count(*), sum(total) FROM orders WHERE created_at > timestamptz '2025-12-31 UTC' - interval '1 day' * :days / 20;
