-- # Soft delete

-- A delete that can be reversed: the table gets a column, and a view of its live rows.
-- The tables that reference it with ON DELETE CASCADE get them, too.

SELECT schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders'), schemakit.soft_delete_enable('order_items');

-- Applications use the view like the table. Row counts and RETURNING are correct.

DELETE FROM orders_live WHERE id = 2000 RETURNING id, status, total;
DELETE FROM orders_live WHERE id = 2000;

-- ON DELETE CASCADE has deleted the items, too, with the same time.

SELECT o.id, o.deleted_at IS NOT NULL AS deleted, count(*) AS items, bool_and(i.deleted_at = o.deleted_at) AS with_the_order
FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = 2000 GROUP BY o.id;

-- ON DELETE RESTRICT refuses to delete a user who has live orders.

DO $$
BEGIN
    DELETE FROM users_live WHERE id = (SELECT user_id FROM orders_live WHERE id = 2001);
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    RAISE NOTICE '%', sqlerrm;
END$$;

-- An UPDATE restores the row, and exactly the rows that were deleted with it.

UPDATE orders SET deleted_at = NULL WHERE id = 2000;
SELECT count(*) AS live_items FROM order_items_live WHERE order_id = 2000;

-- The audit log shows that these updates were a soft delete and a restore.

SELECT op, soft_delete, changed FROM schemakit.audit_history('orders', '{"id": 2000}');

-- Migrations need not know of the view: it is changed with its table.

ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE orders ALTER COLUMN note TYPE varchar(80);
UPDATE orders_live SET note = 'ring twice' WHERE id = 2000 RETURNING id, note;

-- For an application that cannot be changed, the view gets the name of the table.

CREATE SCHEMA live;
SELECT schemakit.soft_delete_enable('products', view_name => 'live.products');
SET search_path = live, public;
INSERT INTO products (category_id, sku, name, list_price) SELECT category_id, 'GONE-1', 'Mistake', 1 FROM products LIMIT 1;
DELETE FROM products WHERE sku = 'GONE-1' RETURNING name;
SELECT (SELECT count(*) FROM products) AS seen, (SELECT count(*) FROM public.products) AS there;
RESET search_path;

-- Rows that were deleted long ago are deleted permanently, without breaking a foreign key.

DELETE FROM orders_live WHERE id <= 300;
UPDATE orders SET deleted_at = deleted_at - interval '1 year' WHERE id <= 100;
SELECT schemakit.soft_delete_purge('orders', older_than => '90 days');
SELECT relid, state, detail FROM schemakit.status() WHERE feature = 'soft_delete';
