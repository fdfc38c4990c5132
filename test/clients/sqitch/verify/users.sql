SELECT id, email, updated_at, deleted_at FROM users WHERE false;
