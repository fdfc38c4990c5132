SELECT id, user_id, deleted_at FROM orders WHERE false;
