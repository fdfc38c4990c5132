\set id random(1, 5000)
SELECT name, stock, attributes FROM products WHERE id = :id;
