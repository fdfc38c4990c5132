-- # Timestamps that maintain themselves

-- CREATE EXTENSION is all there is to set up.

CREATE EXTENSION schemakit;

-- The shop's tables were there before. The rule that is built in covers them: apply it.

SELECT * FROM schemakit.auto_apply();

-- From now on every table with updated_at gets its trigger the moment it is made.

CREATE TABLE reviews (
    id         int PRIMARY KEY,
    product_id int REFERENCES products,
    body       text,
    updated_at timestamptz NOT NULL DEFAULT now()
);
\d reviews

-- A change advances updated_at. Nobody set it.

UPDATE products SET price = price * 1.05 WHERE id = 42
RETURNING id, name, price, updated_at > '2026-01-01' AS advanced;

-- A change of nothing does not: whoever watches updated_at is not woken for it.

UPDATE products SET updated_at = '2025-01-01' WHERE id = 43;
UPDATE products SET stock = stock, attributes = attributes || '{}' WHERE id = 43
RETURNING id, updated_at = '2025-01-01' AS kept;

-- A time that the statement itself sets is kept, as an import needs it.

UPDATE products SET stock = 10, updated_at = '2025-06-01' WHERE id = 43
RETURNING id, stock, updated_at = '2025-06-01' AS kept;

-- An upsert counts, too.

INSERT INTO products (id, category_id, sku, name, price)
VALUES (43, 10, 'SKU-00043', 'Smart Lamp', 99.90)
ON CONFLICT (id) DO UPDATE SET name = excluded.name
RETURNING id, name, updated_at > '2026-01-01' AS advanced;

-- Two changes in one transaction: the second is later than the first.

BEGIN;
UPDATE orders SET status = 'paid' WHERE id = 119999 RETURNING updated_at AS first \gset
UPDATE orders SET status = 'shipped' WHERE id = 119999 RETURNING updated_at > :'first' AS later;
COMMIT;

-- Columns as Prisma makes them: another name, another precision. Both are honoured.

CREATE TABLE "Session" (id text PRIMARY KEY, data json, "updatedAt" timestamp(3) NOT NULL);
INSERT INTO "Session" VALUES ('s1', '{"cart": []}', '2025-01-01');
UPDATE "Session" SET data = '{"cart": [42]}'
RETURNING id, "updatedAt" > '2026-01-01' AS advanced, "updatedAt" = "updatedAt"::timestamp(3) AS milliseconds;

-- A column that comes later, and one that changes its name: the trigger is there, and follows.

ALTER TABLE reviews DROP COLUMN updated_at;
ALTER TABLE reviews ADD COLUMN modified_at timestamptz;
ALTER TABLE reviews RENAME COLUMN modified_at TO changed_on;
SELECT relid, state, detail FROM schemakit.status() WHERE relid = 'reviews'::regclass;

-- A table that joins a partitioned table and leaves it again is covered all the way.

CREATE TABLE events (id bigint, at date, note text, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE events_2026 (LIKE events);
ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE events DETACH PARTITION events_2026;
SELECT relid, state FROM schemakit.status() WHERE relid::text LIKE 'events%' ORDER BY 1;

-- No columns yet? They can be added on the way.

CREATE TABLE tags (name text PRIMARY KEY);
SELECT schemakit.timestamps_enable('tags', add_columns => true);
\d tags

-- Opting out is to disable the trigger. Dumps keep that, and no rule overrides it.

ALTER TABLE "Session" DISABLE TRIGGER zz_schemakit_touch;

-- A session that repairs data can leave all of them alone.

SET schemakit.timestamps_touch = off;
UPDATE products SET name = trim(name) || '' WHERE id = 44 RETURNING updated_at < '2026-01-01' AS kept;
RESET schemakit.timestamps_touch;

-- Rules of your own: tables of a schema "legacy" have another column.

SELECT schemakit.auto_enable('timestamps', 'legacy', '%', '{"col": "last_change", "mode": "always"}');
CREATE SCHEMA legacy CREATE TABLE customers (id int, last_change timestamp(0));

-- What is covered, and what is not.

SELECT * FROM schemakit.status();
