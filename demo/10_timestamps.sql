-- # Timestamps

-- This database was there before schemakit. To set it up is one statement...

CREATE EXTENSION schemakit;

-- ... and one more for tables that exist already: all that have an updated_at get a trigger.

SELECT * FROM schemakit.auto_apply();

-- From now on a table gets its trigger the moment it is created, by whatever program.

CREATE TABLE reviews (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id int NOT NULL REFERENCES products ON DELETE CASCADE,
    stars      int NOT NULL CHECK (stars BETWEEN 1 AND 5),
    updated_at timestamptz NOT NULL DEFAULT now()
);
\d reviews

-- A change advances updated_at. The statement need not say so.

UPDATE products SET price = price * 1.05 WHERE id = 42
RETURNING name, price, updated_at > created_at AS advanced;

-- A change of nothing does not: whoever syncs by updated_at is not woken for it.

UPDATE products SET stock = stock, attributes = attributes || '{}' WHERE id = 43
RETURNING name, stock, updated_at > created_at AS advanced;

-- A time that the statement itself sets is kept, as an import needs it.

UPDATE products SET stock = 10, updated_at = '2024-12-24 18:00' WHERE id = 43
RETURNING name, stock, updated_at;

-- Prisma's columns are covered, too: camelCase, milliseconds. And an upsert is a change as any other.

CREATE TABLE "Cart" (id text PRIMARY KEY, items json, "updatedAt" timestamp(3) NOT NULL);
INSERT INTO "Cart" VALUES ('c1', '[]', '2024-12-24 18:00');
INSERT INTO "Cart" VALUES ('c1', '[42]', '2024-12-24 18:00')
ON CONFLICT (id) DO UPDATE SET items = excluded.items
RETURNING id, items, "updatedAt" > '2024-12-24 18:00' AS advanced;

-- Rename the column, and the trigger follows. status() tells whether a table is really covered.

ALTER TABLE reviews RENAME COLUMN updated_at TO changed_at;
SELECT * FROM schemakit.status() WHERE relid = 'reviews'::regclass;

-- A table without such columns? They can be added, filled in and maintained in one go.

CREATE TABLE coupons (code text PRIMARY KEY, percent int NOT NULL);
SELECT schemakit.timestamps_enable('coupons', add_columns => true);
\d coupons

-- A partition has what its parent has. Attached it uses that, detached it gets its own.

CREATE TABLE visits (at date NOT NULL, page text, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE visits_2025 (LIKE visits);
ALTER TABLE visits ATTACH PARTITION visits_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
ALTER TABLE visits DETACH PARTITION visits_2025;

-- Rules of your own: in the schema crm the column is last_change, and nobody may set it by hand.

SELECT schemakit.auto_enable('timestamps', 'crm', '%',
                             '{"col": "last_change", "mode": "always"}');
CREATE SCHEMA crm CREATE TABLE leads (email text, last_change timestamptz);

-- To opt out, disable the trigger. Dumps carry that along, and no rule enables it again.

ALTER TABLE "Cart" DISABLE TRIGGER zz_schemakit_touch;

-- A session that repairs or fills in data can leave the times as they are.

SET schemakit.timestamps_touch = off;
UPDATE products SET name = upper(name) WHERE id = 44
RETURNING name, updated_at > created_at AS advanced;

-- And this is what is covered in the end, and what is not.

SELECT * FROM schemakit.status();
