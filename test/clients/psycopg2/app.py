# psycopg2 without an ORM: who acts, in a transaction or in a comment.
import os
from contextlib import contextmanager
from urllib.parse import quote

import psycopg2

connection = psycopg2.connect(os.environ['DATABASE_URL'])


# The block is a transaction in which the actor acts.
@contextmanager
def with_actor(actor):
    with connection, connection.cursor() as cursor:
        cursor.execute('SELECT schemakit.audit_set_actor(%s)', [actor])
        yield cursor


# A single statement. A % in its text is doubled, also without parameters.
def execute_as(cursor, actor, sql, params=()):
    comment = f" /*actor='{quote(actor, safe='')}'*/"
    cursor.execute(sql + comment.replace('%', '%%'), params)
