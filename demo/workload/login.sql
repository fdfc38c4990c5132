\set id random(1, 20000)
SELECT id, full_name FROM users WHERE id = :id AND is_active;
