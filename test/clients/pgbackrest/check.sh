# pgBackRest, as the server's user: a cluster is backed up and restored with the log.
set -eo pipefail
dir=$(mktemp -d /tmp/schemakit-backrest.XXXXXX)
as_server() { "$@"; }
[ "$(id -u)" != 0 ] || { chown postgres: "$dir"; as_server() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }; }
cd "$dir"
trap 'as_server pg_ctl -D "$dir/data" -m immediate -s stop 2>"$dir/err"; cd /; rm -rf "$dir"' EXIT
export PGHOST=$dir PGUSER=postgres PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'

count=0
# equal GOT EXPECTED TEXT
equal()
{
	count=$((count + 1))
	if [ "$1" = "$2" ]; then echo "ok $count - $3"; else echo "not ok $count - $3: $1, not $2"; fi
}
sql() { psql -XqAt -v ON_ERROR_STOP=1 -c "$1"; }
start() { as_server pg_ctl -D "$dir/data" -l "$dir/log" -w -s start; }
rest() { as_server pgbackrest --config="$dir/pgbackrest.conf" --stanza=shop "$@"; }
log() { sql "SELECT md5(string_agg(l::text, E'\n' ORDER BY changed_at, txn_id, command, n)) FROM schemakit.audit_log l"; }

as_server mkdir repo spool logs lock
cat >pgbackrest.conf <<CONF
[global]
repo1-path=$dir/repo
repo1-retention-full=1
log-path=$dir/logs
lock-path=$dir/lock
spool-path=$dir/spool
start-fast=y
log-level-console=error
[shop]
pg1-path=$dir/data
pg1-socket-path=$dir
pg1-port=$PGPORT
pg1-user=postgres
CONF
chmod 644 pgbackrest.conf
as_server initdb -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >initdb.log
as_server tee -a data/postgresql.conf >conf.log <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
port = $PGPORT
fsync = off
archive_mode = on
archive_command = 'pgbackrest --config=$dir/pgbackrest.conf --stanza=shop archive-push %p'
CONF
start
rest stanza-create
sql "CREATE EXTENSION schemakit;
	CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz, deleted_at timestamptz);
	CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, deleted_at timestamptz);
	SELECT schemakit.audit_enable('users', mask => '{\"name\": \"hash\"}'), schemakit.audit_enable('orders');
	SELECT schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders');
	INSERT INTO users SELECT g, 'user' || g, now() FROM generate_series(1, 100) g;
	INSERT INTO orders SELECT g, g FROM generate_series(1, 100) g" >sql.log
rest backup --type=full
sql "DELETE FROM users_live WHERE id <= 10"
rest backup --type=incr
# the last of it is in the archive only
sql "UPDATE users SET name = 'new' WHERE id > 90"
expected=$(log)
status=$(sql "SELECT count(*), count(*) FILTER (WHERE state = 'ok') FROM schemakit.status()")
sql "SELECT pg_create_restore_point('here'); SELECT pg_switch_wal()" >sql.log
sql "DROP TABLE users CASCADE"
as_server pg_ctl -D "$dir/data" -m fast -w -s stop
rm -rf "$dir/data"

rest restore --type=name --target=here --target-action=promote
start
for i in $(seq 100); do
	[ "$(sql 'SELECT pg_is_in_recovery()')" = t ] || break
	sleep 0.1
done
equal "$(log)" "$expected" 'the log is restored with the cluster'
equal "$(sql "SELECT count(*), count(*) FILTER (WHERE state = 'ok') FROM schemakit.status()")" "$status" 'status() is as before'
equal "$(sql "SELECT count(*) FROM users_live")" 90 'the rows are as they were'
sql "UPDATE users SET deleted_at = NULL WHERE id = 1; DELETE FROM users_live WHERE id = 20"
equal "$(sql "SELECT string_agg(id::text, ' ' ORDER BY id) FROM orders WHERE deleted_at IS NOT NULL")" '2 3 4 5 6 7 8 9 10 20' 'soft delete goes on'
equal "$(sql "SELECT string_agg(concat_ws(' ', table_name, soft_delete, key->>'id'), ', ' ORDER BY changed_at, txn_id, command, n)
	FROM (SELECT * FROM schemakit.audit_log ORDER BY changed_at DESC, txn_id DESC, command DESC, n DESC LIMIT 4) l")" \
	'public.users restored 1, public.orders restored 1, public.users deleted 20, public.orders deleted 20' 'and audit'
equal "$(sql "SELECT count(*) FROM schemakit.audit_as_of(NULL::users, now())")" 100 'audit_as_of() knows the rows'
