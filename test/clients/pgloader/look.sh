# pgloader: a database of SQLite is loaded, whose tables get their keys after their rows.
set -e
file=$(mktemp --suffix=.sqlite)
trap 'rm -f "$file"' EXIT

/usr/bin/python3 - "$file" <<'PYTHON'
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
database.executescript('''
    CREATE TABLE users (
        id integer PRIMARY KEY AUTOINCREMENT,
        email text NOT NULL UNIQUE,
        updated_at datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
        deleted_at datetime
    );
    CREATE TABLE orders (
        id integer PRIMARY KEY,
        user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        deleted_at datetime
    );
    CREATE INDEX orders_user_id ON orders (user_id);
''')
database.executemany('INSERT INTO users (email, updated_at) VALUES (?, ?)', [(f'user{i}@example.com', '2001-01-01 00:00:00') for i in range(1000)])
database.executemany('INSERT INTO orders (user_id, deleted_at) VALUES (?, ?)', [(1 + i % 500, '2002-01-01 00:00:00' if i % 3 == 0 else None) for i in range(3000)])
database.commit()
PYTHON

target="postgresql://$PGUSER@unix:$PGHOST:$PGPORT/$PGDATABASE"

# load OPTION...: what it says, without its times and those lines that have addresses
load() { pgloader --quiet --with 'preserve index names' "$@" "sqlite://$file" "$target" | sed '/ LOG /d; s/[0-9.]*s *$//' | sort; }

load >"$OUT/summary"
load --with 'data only' --with truncate --with 'reset sequences' >"$OUT/again"
pg_dump -n public | grep -v -e '^\\\(un\)\?restrict ' -e '^--' -e '^$' >"$OUT/dump.sql"
