# PgBouncer: clients share a connection to the server, which changes hands after each
# transaction or session.
import os
import pwd
import subprocess
import tempfile
import time

import psycopg2

from checks import as_superuser, audited, done, equal, ok

database = os.environ['PGDATABASE']


def start(directory):
    """As a user of its own if this is root, as which it does not run"""
    user = 'postgres' if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    with open(f'{directory}/users', 'w') as file:
        file.write('"shop" ""\n')
    with open(f'{directory}/pgbouncer.ini', 'w') as file:
        server = f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} dbname={database}"
        file.write(f'''[databases]
transaction = {server} pool_mode=transaction pool_size=1
session = {server} pool_mode=session pool_size=1
[pgbouncer]
unix_socket_dir = {directory}
listen_port = 6432
auth_type = trust
auth_file = {directory}/users
logfile = {directory}/log
server_reset_query = DISCARD ALL
''')
    if os.getuid() == 0:
        os.chmod(directory, 0o755)
        os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
    return subprocess.Popen(['pgbouncer', '-q', f'{directory}/pgbouncer.ini'], preexec_fn=None if os.getuid() else lambda: become(user))


def become(name):
    user = pwd.getpwnam(name)
    os.initgroups(name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def connect(pool, autocommit=True):
    connection = psycopg2.connect(host=directory, port=6432, user='shop', dbname=pool)
    connection.autocommit = autocommit
    return connection


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def log():
    """Who did what since the last call"""
    global seen
    events = audited('users') + audited('orders')
    new = [event for event in events if event not in seen]
    seen = events
    return new


seen = []
with tempfile.TemporaryDirectory() as directory:
    bouncer = start(directory)
    try:
        for attempt in range(100):
            if os.path.exists(f'{directory}/.s.PGSQL.6432'):
                break
            time.sleep(0.1)
        a, b = connect('transaction'), connect('transaction')
        run(a, '''
            CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz, deleted_at timestamptz);
            CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, deleted_at timestamptz);
            SELECT schemakit.audit_enable('users'), schemakit.audit_enable('orders'),
                schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders')''')
        run(a, "INSERT INTO users SELECT g, 'user', '2001-01-01' FROM generate_series(1, 20) g")
        run(a, 'INSERT INTO orders SELECT g, g FROM generate_series(1, 20) g')
        log()
        equal(run(a, 'SELECT pg_backend_pid()'), run(b, 'SELECT pg_backend_pid()'), 'two clients have one connection to the server')

        run(a, "BEGIN; SELECT schemakit.audit_set_actor('ann'); UPDATE users SET name = 'a' WHERE id = 1; COMMIT")
        run(b, "UPDATE users SET name = 'b' WHERE id = 2")
        equal(log(), ['ann U 1', 'nobody U 2'], 'audit_set_actor() ends with its transaction')
        run(a, "BEGIN; SET LOCAL schemakit.audit_actor = 'ann'; UPDATE users SET name = 'a' WHERE id = 3; COMMIT")
        run(b, "UPDATE users SET name = 'b' WHERE id = 4")
        equal(log(), ['ann U 3', 'nobody U 4'], 'SET LOCAL, too')
        run(a, "UPDATE users SET name = 'a' WHERE id = 5 /*actor='ann'*/")
        run(b, "UPDATE users SET name = 'b' WHERE id = 6")
        equal(log(), ['ann U 5', 'nobody U 6'], 'and a comment with its statement')
        run(a, "BEGIN; SET LOCAL schemakit.timestamps_touch = off; UPDATE users SET name = 'aa' WHERE id = 7; COMMIT")
        run(b, "UPDATE users SET name = 'bb' WHERE id = 8")
        equal(as_superuser("SELECT id FROM public.users WHERE name IN ('aa', 'bb') AND updated_at > '2002-01-01'"), [(8,)], 'a time is left alone in one transaction')
        log()

        # a client that goes away in its transaction
        gone = connect('transaction', autocommit=False)
        run(gone, "SELECT schemakit.audit_set_actor('eve')")
        run(gone, 'DELETE FROM users_live WHERE id = 9')
        gone.close()
        run(b, "UPDATE users SET name = 'b' WHERE id = 10")
        equal(log(), ['nobody U 10'], 'a client that goes away leaves nothing')

        # prepared statements in a transaction, and what the server keeps between them
        for i, connection in (11, a), (12, b):
            run(connection, f'''BEGIN; PREPARE d (int) AS DELETE FROM users_live WHERE id = $1; PREPARE u (int) AS UPDATE users SET deleted_at = NULL WHERE id = $1;
                EXECUTE d({i}); EXECUTE u({i}); EXECUTE d({i}); DEALLOCATE ALL; COMMIT''')
        equal(as_superuser('SELECT id FROM public.orders WHERE deleted_at IS NOT NULL ORDER BY id'), [(11,), (12,)], 'prepared statements')
        run(a, 'ALTER TABLE orders RENAME COLUMN user_id TO owner_id; ALTER TABLE users ADD COLUMN age int')
        run(b, 'DELETE FROM users_live WHERE id = 13')
        run(a, 'DISCARD ALL')
        run(b, 'DELETE FROM users_live WHERE id = 14')
        run(a, 'DISCARD PLANS; DELETE FROM users_live WHERE id = 15')
        equal(as_superuser('SELECT id FROM public.orders WHERE deleted_at IS NOT NULL ORDER BY id'), [(i,) for i in range(11, 16)], 'after DDL and DISCARD ALL')
        log()

        # a session's settings end with it, as the reset query is DISCARD ALL
        first = connect('session')
        pid = run(first, 'SELECT pg_backend_pid()')
        run(first, "SET schemakit.audit_actor = 'fay'; SET schemakit.timestamps_touch = off; UPDATE users SET name = 'f' WHERE id = 16")
        first.close()
        second = connect('session')
        equal(run(second, 'SELECT pg_backend_pid()'), pid, 'the next session has the same connection')
        run(second, "UPDATE users SET name = 'g' WHERE id = 17")
        equal(log(), ['fay U 16', 'nobody U 17'], 'and not the actor of the one before')
        equal(as_superuser("SELECT id FROM public.users WHERE id IN (16, 17) AND updated_at > '2002-01-01'"), [(17,)], 'nor its other settings')
        ok(all(state == 'ok' for state, in as_superuser('SELECT state FROM schemakit.status()')), 'status() is ok')
        for connection in a, b, second:
            connection.close()
    finally:
        bouncer.terminate()
        bouncer.wait()
done()
