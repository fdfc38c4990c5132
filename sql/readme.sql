CREATE TABLE users (
    id         int PRIMARY KEY,
    email      text UNIQUE NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO users VALUES (1, 'ann@example.com', '2020-01-01');

-- a change advances updated_at, a change of nothing does not
UPDATE users SET email = 'ann@example.org' WHERE id = 1
RETURNING email, updated_at = now() AS advanced;
UPDATE users SET updated_at = '2020-01-01';
UPDATE users SET email = lower(email) RETURNING email, updated_at = '2020-01-01' AS kept;

-- the trigger follows its column
ALTER TABLE users RENAME COLUMN updated_at TO changed_at;
UPDATE users SET email = 'ann@example.net' RETURNING changed_at = now() AS advanced;

-- what is covered, and what is not
CREATE TABLE imported AS SELECT 1 AS id, now() AS "updatedAt";
ALTER TABLE imported DISABLE TRIGGER zz_schemakit_touch;
SELECT * FROM schemakit.status();
DROP TABLE users, imported;
