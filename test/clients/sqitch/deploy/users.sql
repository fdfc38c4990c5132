BEGIN;
CREATE TABLE users (
    id         int PRIMARY KEY,
    email      text NOT NULL UNIQUE,
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
COMMIT;
