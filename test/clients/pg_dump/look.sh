# pg_dump as the database's owner, as a role that may read all, and as a superuser.
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
    user_id    int NOT NULL REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    deleted_at timestamptz
);
CREATE MATERIALIZED VIEW names AS SELECT id, email FROM users;
CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
INSERT INTO users (email, updated_at) VALUES ('user1@example.com', '2001-01-01'), ('user2@example.com', '2001-01-01');
INSERT INTO orders (user_id) VALUES (1), (2);
SQL
psql -XqU postgres -c "DO \$\$ BEGIN CREATE ROLE reader LOGIN IN ROLE pg_read_all_data; EXCEPTION WHEN duplicate_object THEN END \$\$"

# Each dump has a key of its own, and numbers of its own in comments.
text() { grep -v -e '^\\\(un\)\?restrict ' -e '^--' -e '^$'; }
dump() { pg_dump -U "$role" "$@"; }

# The owner's dumps are to be seen, and which of the others' differ from them.
role=shop
dump -s | text >"$OUT/whole-schema"
dump --exclude-table-data='schemakit.*' | text >"$OUT/whole"
dump -s -n public | text >"$OUT/schema"
dump -n public | text >"$OUT/public"
dump -t users | text >"$OUT/users"
for role in shop reader postgres; do
	dump -s | text | diff -q - "$OUT/whole-schema" || echo "$role -s"
	dump --exclude-table-data='schemakit.*' | text | diff -q - "$OUT/whole" || echo "$role"
	dump -s -n public | text | diff -q - "$OUT/schema" || echo "$role -s -n public"
	dump -t users | text | diff -q - "$OUT/users" || echo "$role -t users"
	for format in c d t; do
		dump "-F$format" -n public -f "$OUT/archive"
		pg_restore -f - "$OUT/archive" | text | diff -q - "$OUT/public" || echo "$role -F$format -n public"
		rm -rf "$OUT/archive"
	done
done >"$OUT/others"
