\set weight random(1, 50)
SELECT id, name, stock FROM products WHERE attributes @> jsonb_build_object('color', 'red', 'weight', 100 * :weight);
