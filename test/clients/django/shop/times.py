# Changes that leave updated_at alone
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def without_touching():
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute('SET LOCAL schemakit.timestamps_touch = off')
        yield
        with connection.cursor() as cursor:
            cursor.execute('SET LOCAL schemakit.timestamps_touch = on')
