-- # The audit log

-- From now on, the database records for these tables who changed which row, when, and the values before and after.
-- It stores only a hash of e-mail addresses, which shows changes and equal addresses.

SELECT schemakit.audit_enable('products'), schemakit.audit_enable('orders'), schemakit.audit_enable('order_items'),
       schemakit.audit_enable('users', mask => '{"email": "hash"}');
SELECT clock_timestamp() AS noon \gset

-- The application sets the actor. It can also do that in a comment of a statement, which works behind a connection pool.

BEGIN;
SELECT schemakit.audit_set_actor('ann@shop.example', '{"ticket": 4711}');
UPDATE products SET price = price * 1.10, stock = 5 WHERE id = 42;
COMMIT;
UPDATE products SET price = 0.01 WHERE id = 42 /*actor='bob%40shop.example',route='%2Fadmin'*/;

-- An UPDATE that changes nothing is not recorded. For other UPDATEs, only the changed columns are stored.

UPDATE products SET stock = stock WHERE id = 42;
SELECT actor, role, op, old, new FROM schemakit.audit_history('products', '{"id": 42}');

-- Changes by ON DELETE CASCADE are recorded, too.

DELETE FROM orders WHERE id = 1000 /*actor='bob%40shop.example'*/;
SELECT table_name, op, count(*) FROM schemakit.audit_log WHERE actor LIKE 'bob%' GROUP BY 1, 2 ORDER BY 1;

-- The table as it was at noon, with its column types, joined with other tables.

SELECT now.name, was.price AS price_then, now.price AS price_now
FROM schemakit.audit_as_of(NULL::products, :'noon') AS was JOIN products AS now USING (id)
WHERE now.price <> was.price;

-- So the rows that Bob has deleted can be restored.

INSERT INTO orders SELECT * FROM schemakit.audit_as_of(NULL::orders, :'noon', '{"id": 1000}');
INSERT INTO order_items SELECT * FROM schemakit.audit_as_of(NULL::order_items, :'noon') WHERE order_id = 1000;
SELECT o.status, o.total, count(i.*) AS items FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = 1000 GROUP BY o.id;

-- If columns are added, dropped or renamed, old events are read with the current columns.

ALTER TABLE products RENAME COLUMN price TO list_price;
ALTER TABLE products ADD COLUMN on_sale boolean NOT NULL DEFAULT false;
SELECT id, name, list_price, on_sale FROM schemakit.audit_as_of(NULL::products, :'noon', '{"id": 42}');

-- Nobody can change the log by mistake, not even its owner. Its partitions need not be created in time.

DO $$
BEGIN
    DELETE FROM schemakit.audit_event;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE '%', sqlerrm;
END$$;
SELECT * FROM schemakit.audit_maintain(premake => '4 months') LIMIT 2;

-- Audited tables, and what is not recorded.

SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'audit';
