SELECT id, user_id, total FROM orders WHERE status = 'pending' AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 20;
