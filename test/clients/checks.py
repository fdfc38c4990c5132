# What the checks in Python share: a line for each check.
import os
import sys

import psycopg2

count = failed = 0


def ok(condition, what):
    global count, failed
    count += 1
    if not condition:
        failed += 1
    print(f"{'ok' if condition else 'not ok'} {count} - {what}", flush=True)


def equal(got, expected, what):
    ok(got == expected, what if got == expected else f'{what}: {got!r}, not {expected!r}')


def as_superuser(query, *values):
    """What the superuser, who is not the application's role, finds."""
    connection = psycopg2.connect(user='postgres', dbname=os.environ['PGDATABASE'])
    with connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def audited(table):
    """The log of rows of a table, oldest first: who did what to which row."""
    return [row[0] for row in as_superuser(
        "SELECT concat_ws(' ', coalesce(actor, 'nobody'), coalesce(soft_delete, op), key->>'id') "
        "FROM schemakit.audit_log WHERE table_name = %s AND op <> 'S' ORDER BY changed_at, txn_id, n", f'public.{table}')]


def make_old(table):
    """All rows of the table seem to have been changed last in 2001."""
    as_superuser(f"SET session_replication_role = replica; UPDATE public.{table} SET updated_at = '2001-01-01'")


def changed(table):
    """The rows that have been changed since then"""
    return [row[0] for row in as_superuser(f"SELECT id FROM public.{table} WHERE updated_at > '2002-01-01' ORDER BY id")]


def done():
    sys.exit(1 if failed or not count else 0)
