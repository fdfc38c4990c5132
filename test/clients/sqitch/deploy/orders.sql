BEGIN;
CREATE TABLE orders (
    id         int,
    user_id    int NOT NULL,
    deleted_at timestamptz
);
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
COMMIT;
