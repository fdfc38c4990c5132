# What information_schema tells, which many tools read and nothing else, and pg_dump.
set -eo pipefail

psql -Xq -v ON_ERROR_STOP=1 <<'SQL'
CREATE TABLE users (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL UNIQUE,
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE TABLE orders (
    id         serial PRIMARY KEY,
    user_id    int NOT NULL REFERENCES users ON DELETE CASCADE,
    updated_at timestamp(3),
    deleted_at timestamptz
);
CREATE VIEW names AS SELECT id, email FROM users;
CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
INSERT INTO users (email) VALUES ('user1@example.com');
UPDATE users SET email = 'user2@example.com', updated_at = '2001-01-01';
INSERT INTO orders (user_id) VALUES (1);
SQL

# those of its views that neither have OIDs in them nor what PUBLIC may use everywhere
for view in schemata tables columns sequences triggers key_column_usage referential_constraints constraint_column_usage \
	column_privileges table_privileges usage_privileges view_table_usage domains element_types user_defined_types; do
	psql -XAt -P null=null -c "SELECT t FROM information_schema.$view t ORDER BY t::text COLLATE \"C\"" |
		grep -v '[(,]\(pg_catalog\|information_schema\),' >"$OUT/$view" || true
done

# each has a key of its own
dump() { pg_dump "$@" | grep -v '^\\\(un\)\?restrict '; }
dump -s -n public >"$OUT/schema.sql"
dump --data-only -n public --inserts >"$OUT/data.sql"
dump -t users >"$OUT/users.sql"
