SELECT id, email FROM users WHERE lower(full_name) = 'quinn khan';
