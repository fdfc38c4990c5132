\set id random(1, 20000)
SELECT id, status, total FROM orders WHERE user_id = :id AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 10;
