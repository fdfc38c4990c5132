-- # The audit log

-- Who changed what, when, and what was it before? From now on the database knows, for these tables.
-- Of e-mail addresses it only keeps a hash: that one changed, and which rows have the same.

SELECT schemakit.audit_enable('products'), schemakit.audit_enable('orders'), schemakit.audit_enable('order_items'),
       schemakit.audit_enable('users', mask => '{"email": "hash"}');
SELECT clock_timestamp() AS noon \gset

-- An application says who acts. Behind a connection pool a comment does it, without a statement of its own.

BEGIN;
SELECT schemakit.audit_set_actor('ann@shop.example', '{"ticket": 4711}');
UPDATE products SET price = price * 1.10, stock = 5 WHERE id = 42;
COMMIT;
UPDATE products SET price = 0.01 WHERE id = 42 /*actor='bob%40shop.example',route='%2Fadmin'*/;

-- A change of nothing is no event, and of an update only what it changed is kept.

UPDATE products SET stock = stock WHERE id = 42;
SELECT actor, role, op, old, new FROM schemakit.audit_history('products', '{"id": 42}');

-- Foreign keys that cascade are recorded like everything else.

DELETE FROM orders WHERE id = 1000 /*actor='bob%40shop.example'*/;
SELECT table_name, op, count(*) FROM schemakit.audit_log WHERE actor LIKE 'bob%' GROUP BY 1, 2 ORDER BY 1;

-- The table as it was at noon, with all of its types, joined with whatever you like.

SELECT now.name, was.price AS price_then, now.price AS price_now
FROM schemakit.audit_as_of(NULL::products, :'noon') AS was JOIN products AS now USING (id)
WHERE now.price <> was.price;

-- So what Bob has deleted can be put back.

INSERT INTO orders SELECT * FROM schemakit.audit_as_of(NULL::orders, :'noon', '{"id": 1000}');
INSERT INTO order_items SELECT * FROM schemakit.audit_as_of(NULL::order_items, :'noon') WHERE order_id = 1000;
SELECT o.status, o.total, count(i.*) AS items FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = 1000 GROUP BY o.id;

-- Columns may come, go and change their names: old events are read as the columns that they are now.

ALTER TABLE products RENAME COLUMN price TO list_price;
ALTER TABLE products ADD COLUMN on_sale boolean NOT NULL DEFAULT false;
SELECT id, name, list_price, on_sale FROM schemakit.audit_as_of(NULL::products, :'noon', '{"id": 42}');

-- Nobody changes the log, not even its owner, and no partition of it has to be made in time.

DO $$
BEGIN
    DELETE FROM schemakit.audit_event;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE '%', sqlerrm;
END$$;
SELECT * FROM schemakit.audit_maintain(premake => '4 months') LIMIT 2;

-- What is audited, and where something is missing.

SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'audit';
