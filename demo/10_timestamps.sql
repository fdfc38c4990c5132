-- # Timestamps

-- This database existed before schemakit. One statement installs it...

CREATE EXTENSION schemakit;

-- ... and another one attaches triggers to the existing tables with an updated_at column.

SELECT * FROM schemakit.auto_apply();

-- From now on, a new table gets its trigger when it is created, by any program.

CREATE TABLE reviews (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id int NOT NULL REFERENCES products ON DELETE CASCADE,
    stars      int NOT NULL CHECK (stars BETWEEN 1 AND 5),
    updated_at timestamptz NOT NULL DEFAULT now()
);
\d reviews

-- A change advances updated_at. The statement need not set it.

UPDATE products SET price = price * 1.05 WHERE id = 42
RETURNING name, price, updated_at > created_at AS advanced;

-- An UPDATE that changes nothing keeps the time, so that programs which compare updated_at do not see a change.

UPDATE products SET stock = stock, attributes = attributes || '{}' WHERE id = 43
RETURNING name, stock, updated_at > created_at AS advanced;

-- A time that the statement itself sets is kept, as an import needs it.

UPDATE products SET stock = 10, updated_at = '2024-12-24 18:00' WHERE id = 43
RETURNING name, stock, updated_at;

-- Columns of Prisma are maintained, too: camel case, milliseconds. INSERT ... ON CONFLICT DO UPDATE is a change, too.

CREATE TABLE "Cart" (id text PRIMARY KEY, items json, "updatedAt" timestamp(3) NOT NULL);
INSERT INTO "Cart" VALUES ('c1', '[]', '2024-12-24 18:00');
INSERT INTO "Cart" VALUES ('c1', '[42]', '2024-12-24 18:00')
ON CONFLICT (id) DO UPDATE SET items = excluded.items
RETURNING id, items, "updatedAt" > '2024-12-24 18:00' AS advanced;

-- If the column is renamed, the trigger uses the new name. status() shows whether a table is covered.

ALTER TABLE reviews RENAME COLUMN updated_at TO changed_at;
SELECT * FROM schemakit.status() WHERE relid = 'reviews'::regclass;

-- For a table without such columns, one call adds and maintains them.

CREATE TABLE coupons (code text PRIMARY KEY, percent int NOT NULL);
SELECT schemakit.timestamps_enable('coupons', add_columns => true);
\d coupons

-- A partition uses the trigger of its parent. When it is detached, it gets its own.

CREATE TABLE visits (at date NOT NULL, page text, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE visits_2025 (LIKE visits);
ALTER TABLE visits ATTACH PARTITION visits_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE visits DETACH PARTITION visits_2025;

-- A rule for the schema crm: the column is last_change, and no statement may set it.

SELECT schemakit.auto_enable('timestamps', 'crm', '%',
                             '{"col": "last_change", "mode": "always"}');
CREATE SCHEMA crm CREATE TABLE leads (email text, last_change timestamptz);

-- To opt out, disable the trigger. A dump keeps it disabled, and no rule enables it again.

ALTER TABLE "Cart" DISABLE TRIGGER zz_schemakit_touch;

-- A session that repairs or imports data can keep the times.

SET schemakit.timestamps_touch = off;
UPDATE products SET name = upper(name) WHERE id = 44
RETURNING name, updated_at > created_at AS advanced;

-- These tables are covered, and these are not.

SELECT * FROM schemakit.status();
