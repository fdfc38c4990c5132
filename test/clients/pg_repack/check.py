# pg_repack, which copies a table, follows its changes meanwhile and swaps the files.
import os
import subprocess
import time

import psycopg2

from checks import as_superuser, audited, done, equal, ok


def connect(user):
    connection = psycopg2.connect(user=user, dbname=os.environ['PGDATABASE'])
    connection.autocommit = True
    return connection


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def wait_for(condition):
    """Until the superuser finds that it is so, or pg_repack has ended"""
    while not as_superuser(f'SELECT {condition}')[0][0] and repack.poll() is None:
        time.sleep(0.05)


def rows():
    return as_superuser('SELECT * FROM public.users ORDER BY id')


shop = connect('shop')
super = connect('postgres')
if not run(super, "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_repack'"):
    ok(True, 'pg_repack (not checked: it is not installed for this server)')
    done()
run(super, 'CREATE EXTENSION pg_repack')
# rules for all schemas, also for that of pg_repack, whose copy has updated_at, too
run(super, "SELECT schemakit.auto_enable('audit'), schemakit.auto_enable('soft_delete')")
run(shop, '''
    CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz, deleted_at timestamptz);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, updated_at timestamptz, deleted_at timestamptz);
    INSERT INTO users SELECT g, 'user' || g, '2001-01-01' FROM generate_series(1, 200) g;
    INSERT INTO orders SELECT g, g, '2001-01-01' FROM generate_series(1, 200) g''')
events = len(audited('users'))
file = as_superuser("SELECT pg_relation_filenode('public.users')")
status = as_superuser('SELECT relid::regclass::text, feature, state, detail FROM schemakit.status() ORDER BY 1, 2')

# A transaction that pg_repack waits for, so that changes happen while it works
older = connect('shop')
older.autocommit = False
run(older, 'SELECT 1')
repack = subprocess.Popen(['pg_repack', '-U', 'postgres', '--no-superuser-check', '-t', 'public.users', os.environ['PGDATABASE']],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
oid = as_superuser("SELECT 'public.users'::regclass::oid")[0][0]
wait_for(f"to_regclass('repack.table_{oid}') IS NOT NULL")
run(shop, '''
    UPDATE users SET name = 'new' WHERE id = 1;
    DELETE FROM users_live WHERE id = 2;
    DELETE FROM users WHERE id = 3;
    INSERT INTO users VALUES (201, 'user201', '2001-01-01');
    UPDATE users SET updated_at = '2002-01-01' WHERE id = 4;
    SET schemakit.timestamps_touch = off;
    UPDATE users SET name = 'silent' WHERE id = 5;
    RESET schemakit.timestamps_touch''')
ok(repack.poll() is None, 'changes while pg_repack works')
# and is with them
wait_for(f'NOT EXISTS (SELECT FROM repack.log_{oid})')
before = rows()
older.rollback()
output = repack.communicate(timeout=60)[0]
equal(repack.returncode, 0, f'pg_repack ends: {output}')
ok(as_superuser("SELECT pg_relation_filenode('public.users')") != file, 'the table has another file')
equal([row for row in rows() if row not in before], [], 'with the same rows')
equal(len(rows()), 200, 'none is lost')
equal(sorted(audited('users')[events:]), sorted(['nobody U 1', 'nobody deleted 2', 'nobody D 3', 'nobody I 201', 'nobody U 5']),
      'the audit log has the changes, and nothing of the copy')
equal(as_superuser("SELECT DISTINCT table_name FROM schemakit.audit_log ORDER BY 1"), [('public.orders',), ('public.users',)],
      'nor of another table')
equal(as_superuser('SELECT relid::regclass::text, feature, state, detail FROM schemakit.status() ORDER BY 1, 2'), status, 'status() is as before')
run(shop, "UPDATE users SET name = 'after' WHERE id = 6; DELETE FROM users_live WHERE id = 7; UPDATE users SET deleted_at = NULL WHERE id = 2")
equal(as_superuser('SELECT id FROM public.orders WHERE deleted_at IS NOT NULL'), [(7,)], 'soft delete goes on')
equal(audited('users')[-3:], ['nobody U 6', 'nobody deleted 7', 'nobody restored 2'], 'and audit')
equal(as_superuser("SELECT count(*) FROM schemakit.audit_as_of(NULL::public.users, now())"), [(200,)], 'audit_as_of() knows the rows')
done()
