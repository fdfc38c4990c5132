# Django through the views, with migrations of the tables.  It has no foreign
# keys that cascade in the database, and deletes children itself, each with a time
# of its own; a migration in SQL makes one that does.
import os
import subprocess
import sys
from types import SimpleNamespace

import django
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from checks import as_superuser, audited, changed, done, equal, make_old, ok

directory = os.path.dirname(os.path.abspath(__file__))
os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
django.setup()
from shop.middleware import ActorMiddleware, act_as                              # noqa: E402
from shop.models import Invoice, Order, OrderItem, User                          # noqa: E402
from shop.times import without_touching                                          # noqa: E402
from shop.users import delete_user, restore_user                                 # noqa: E402


def manage(*args):
    """Migrations and tests are commands of their own, as anybody runs them."""
    return subprocess.call([sys.executable, '-W', 'ignore', f'{directory}/manage.py', *args, '-v0'])


def ids(model):
    return list(model.objects.order_by('id').values_list('id', flat=True))


def delete_raw(table, pk):
    """Django deletes children itself, and this does not."""
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM {table} WHERE id = %s', [pk])


equal([manage('migrate'), manage('migrate', 'shop', 'zero'), manage('migrate')], [0, 0, 0], 'migrations up, down and up')
equal(manage('makemigrations', '--check', '--dry-run'), 0, 'makemigrations finds no drift')

with act_as('ann@example.com'):
    for i in 1, 2, 3:
        User.objects.create(email=f'user{i}@example.com')
    for i in range(1, 7):
        Order.objects.create(id=i, user_id=1 + i % 3)
    OrderItem.objects.create(id=1, order_id=1)
make_old('users')


def rename(request):
    User.objects.filter(id=2).update(name='100%')    # which leaves updated_at alone
    return HttpResponse()


request = RequestFactory().post('/')
request.user = SimpleNamespace(get_username=lambda: "dan o'hara & sons 100% *//*")
ActorMiddleware(rename)(request)
equal(changed('users'), [2], 'updated_at has advanced')
Order.objects.filter(id=3).delete()

with act_as('bob@example.com'):
    equal(delete_user(1), (1, {'shop.User': 1}), 'delete() counts')
equal(User.objects.filter(id=1).delete()[0], 0, 'and does not count twice')
equal(ids(User), [2, 3], 'deleted rows are not seen')
equal(ids(Order), [1, 2, 4, 5], 'nor is what cascades in the database')
equal(as_superuser('SELECT count(*) FROM public.users'), [(3,)], 'nothing is lost')
equal(changed('users'), [1, 2], 'updated_at has advanced')
with act_as('cleo@example.com'):
    equal(restore_user(1), 1, 'restore')
equal(ids(User), [1, 2, 3], 'it is back')
equal(ids(Order), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before')
with act_as('bob@example.com'):
    equal(Order.objects.get(id=1).delete(), (2, {'shop.OrderItem': 1, 'shop.Order': 1}), 'a cascade of Django')
Invoice.objects.create(id=1, order_id=2)
try:
    with transaction.atomic():
        User.objects.filter(id=3).delete()
    ok(False, 'a live invoice prevents it')
except IntegrityError as error:
    ok(error.__cause__.pgcode in ('23503', '23001'), 'IntegrityError for a live invoice')
try:
    with connection.cursor() as cursor:
        cursor.execute('DELETE FROM public.users WHERE id = 3')
    ok(False, 'a real delete is refused')
except DatabaseError as error:
    ok('can only be soft-deleted' in str(error), 'a real delete is refused')
with connection.cursor() as cursor, act_as('eve@example.com'):
    cursor.execute("UPDATE users SET name = '100%' WHERE id = 3")

with act_as('fay@example.com'), transaction.atomic():
    delete_user(1)
    restored = restore_user(1)
equal((restored, ids(User)), (1, [1, 2, 3]), 'deleted and restored in a transaction')

equal(audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', "dan o'hara & sons 100% *//* U 2",
    'bob@example.com deleted 1', 'cleo@example.com restored 1', 'eve@example.com U 3',
    'fay@example.com deleted 1', 'fay@example.com restored 1',
], 'the audit log knows who did it')
equal(audited('orders')[6:], [
    'nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6', 'bob@example.com deleted 1',
    'fay@example.com deleted 6', 'fay@example.com restored 6',
], 'also of what cascades')
equal(audited('order_items'), ['ann@example.com I 1', 'bob@example.com deleted 1'], 'and of what Django deletes')

# Django's foreign keys are DEFERRABLE INITIALLY DEFERRED: checked at COMMIT, and so are
# those between live rows, in either order.
Order.objects.create(id=10, user_id=2)
Invoice.objects.create(id=10, order_id=10)
OrderItem.objects.create(id=10, order_id=10)
with transaction.atomic():
    delete_raw('orders', 10)
    delete_raw('order_items', 10)
    Invoice.objects.filter(id=10).delete()
equal([list(model.objects.filter(id=10)) for model in (Order, OrderItem, Invoice)], [[], [], []], 'a parent, then its children, in a transaction')
Order.objects.create(id=11, user_id=2)
OrderItem.objects.create(id=11, order_id=11)
try:
    with transaction.atomic():
        delete_raw('orders', 11)
        reached = True
    ok(False, 'the parent alone is refused')
except IntegrityError as error:
    ok(reached and error.__cause__.pgcode == '23503', 'the parent alone is refused at COMMIT')
try:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute('SET CONSTRAINTS ALL IMMEDIATE')
        reached = False
        delete_raw('orders', 11)
        reached = True
    ok(False, 'SET CONSTRAINTS ALL IMMEDIATE')
except IntegrityError as error:
    ok(not reached and error.__cause__.pgcode == '23503', 'with SET CONSTRAINTS ALL IMMEDIATE at once')
try:
    with transaction.atomic():
        delete_raw('orders', 11)
        with connection.cursor() as cursor:
            cursor.execute('SET CONSTRAINTS ALL IMMEDIATE')
        ok(False, 'SET CONSTRAINTS after it')
except IntegrityError as error:
    ok(error.__cause__.pgcode == '23503', 'and SET CONSTRAINTS ALL IMMEDIATE checks what was done before')
with transaction.atomic():
    OrderItem.objects.create(id=12, order_id=12)
    Order.objects.create(id=12, user_id=2)
equal(ids(OrderItem), [11, 12], 'a child before its parent')
connection.check_constraints()
ok(True, 'check_constraints()')

# Who sets updated_at, and how it is left alone
make_old('users')
user = User.objects.get(id=2)
user.name = 'a'
user.save(update_fields=['name'])
equal(changed('users'), [2], 'save(update_fields): the trigger sets the time')
equal(user.updated_at.year, 2001, 'which the object does not know')
user.refresh_from_db(fields=['updated_at'])
ok(user.updated_at.year > 2001, 'until it is read again')
make_old('users')
with without_touching():
    User.objects.filter(id=2).update(name='b')
    user.name = 'c'
    user.save(update_fields=['name'])
    User.objects.bulk_update([User(id=3, name='d')], ['name'])
equal(changed('users'), [], 'nothing sets it with timestamps_touch = off')
equal([User.objects.get(id=i).name for i in (2, 3)], ['c', 'd'], 'but the rows are changed')
User.objects.filter(id=2).update(name='e')
equal(changed('users'), [2], 'and it is on again')
make_old('users')
User.objects.get(id=3).save()
equal(changed('users'), [3], 'save() of an object that has not changed')


def columns():
    with connection.cursor() as cursor:
        cursor.execute('SELECT * FROM users LIMIT 0')
        return [column.name for column in cursor.description]


before = columns()
equal(manage('migrate', 'shop', '0003'), 0, 'a migration of a table behind a view, down')
equal(columns(), [name for name in before if name != 'age'], 'the view follows a column that goes')
equal(manage('migrate'), 0, 'and up')
equal(columns()[-1], 'age', 'the view follows a new column')

# What "manage.py test" would create, if it might and template1 had the extension
tests = f"test_{os.environ['PGDATABASE']}"
subprocess.check_call(['createdb', '-U', 'postgres', '-O', 'shop', tests])
subprocess.check_call(['psql', '-XqU', 'postgres', '-d', tests, '-c', 'CREATE EXTENSION schemakit'])
equal(manage('test', 'shop', '--keepdb'), 0, 'manage.py test')
done()
