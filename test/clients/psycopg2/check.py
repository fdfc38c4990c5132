# psycopg2 without an ORM: the actor of a transaction, and of a single statement.
import psycopg2

from app import connection, execute_as, with_actor
from checks import as_superuser, audited, done, equal

with connection, connection.cursor() as cursor:
    cursor.execute('CREATE TABLE users (id int PRIMARY KEY, email text)')
    cursor.execute("SELECT schemakit.audit_enable('users')")

with with_actor('ann@example.com') as cursor:
    cursor.execute('INSERT INTO users VALUES (%s, %s)', (1, 'user1@example.com'))
    cursor.execute('INSERT INTO users VALUES (%s, %s)', (2, 'user2@example.com'))
with connection, connection.cursor() as cursor:
    cursor.execute('INSERT INTO users VALUES (3)')
try:
    with with_actor('bob@example.com') as cursor:
        cursor.execute('DELETE FROM users')
        raise RuntimeError
except RuntimeError:
    pass

connection.autocommit = True
with connection.cursor() as cursor:
    execute_as(cursor, "dan o'hara 100% *//*", 'UPDATE users SET email = %s WHERE id = 1', ['100%'])
    execute_as(cursor, 'dan@example.com', "UPDATE users SET email = '3' WHERE email IS NULL AND 'x' LIKE '%%'")
    connection.notices.clear()
    cursor.execute("SELECT schemakit.audit_set_actor('eve@example.com')")
    cursor.execute('DELETE FROM users WHERE id = 2')
equal([notice.split(':')[0] for notice in connection.notices], ['WARNING'], 'a WARNING in autocommit, in connection.notices only')
if tuple(map(int, psycopg2.__version__.split()[0].split('.')[:2])) < (2, 9):
    connection.autocommit = False
with with_actor('cleo@example.com') as cursor:
    cursor.execute('DELETE FROM users WHERE id = 1')
    cursor.execute('UPDATE users SET email = NULL WHERE id = 3')

equal(audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'nobody I 3', "dan o'hara 100% *//* U 1",
    'dan@example.com U 3', 'nobody D 2', 'cleo@example.com D 1', 'cleo@example.com U 3',
], 'the audit log knows who did it')
equal(as_superuser('SELECT id FROM public.users'), [(3,)], 'what fails is rolled back')
done()
