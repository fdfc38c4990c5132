# Django through the overlay.  Its migrations run on the schema "public".  It has
# no foreign keys that cascade in the database, and deletes children itself,
# each with a time of its own; a migration in SQL makes one that does.
import os
import sys
import tempfile

import django
from django.conf import settings
from django.core.management import call_command

from check import done, equal, ok

database = {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['PGDATABASE'], 'HOST': os.environ['PGHOST'],
            'PORT': os.environ['PGPORT'], 'USER': os.environ['PGUSER']}
directory = tempfile.mkdtemp()
sys.path.insert(0, directory)
os.makedirs(f'{directory}/shop/migrations')
for name in 'shop/__init__.py', 'shop/migrations/__init__.py':
    open(f'{directory}/{name}', 'w').close()

models = '''from django.db import models
class User(models.Model):
    email = models.TextField(unique=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)
%s
class Order(models.Model):
    user = models.ForeignKey(User, models.DO_NOTHING)
    deleted_at = models.DateTimeField(null=True)
class Item(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
    deleted_at = models.DateTimeField(null=True)
class Invoice(models.Model):
    order = models.ForeignKey(Order, models.DO_NOTHING)
'''


def write_models(more=''):
    with open(f'{directory}/shop/models.py', 'w') as f:
        f.write(models % more)


def manage(*args):
    """Migrations are commands of their own, as anybody runs them."""
    script = ("import sys; sys.path.insert(0, %r)\nimport django\nfrom django.conf import settings\n"
              "settings.configure(DATABASES={'default': %r}, INSTALLED_APPS=['shop'], DEFAULT_AUTO_FIELD='django.db.models.AutoField', USE_TZ=True)\n"
              "django.setup()\nfrom django.core.management import call_command\ncall_command(*%r)\n") % (directory, database, args)
    return os.spawnl(os.P_WAIT, sys.executable, sys.executable, '-W', 'ignore', '-c', script)


write_models()
manage('makemigrations', 'shop', '-v0')
manage('migrate', '-v0')
overlay = {**database, 'OPTIONS': {'options': '-csearch_path=live,public'}}
settings.configure(DATABASES={'default': overlay}, INSTALLED_APPS=['shop'], DEFAULT_AUTO_FIELD='django.db.models.AutoField', USE_TZ=True)
django.setup()
from django.db import connection, IntegrityError, transaction    # noqa: E402
from shop.models import Invoice, Item, Order, User               # noqa: E402

with connection.cursor() as cursor:
    cursor.execute('CREATE SCHEMA live')
    cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = 'public.shop_order'::regclass AND contype = 'f'")
    key = cursor.fetchone()[0]
    cursor.execute(f'ALTER TABLE public.shop_order DROP CONSTRAINT {key}, ADD CONSTRAINT {key} FOREIGN KEY (user_id) '
                   'REFERENCES public.shop_user ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED')
    for table in 'user', 'order', 'item':
        cursor.execute(f"SELECT schemakit.soft_delete_enable('public.shop_{table}', view_name => 'live.shop_{table}')")

for i in 1, 2, 3:
    User.objects.create(id=i, email=f'user{i}@example.com')
for i in range(1, 7):
    Order.objects.create(id=i, user_id=1 + i % 3)
Item.objects.create(id=1, order_id=1)
before = User.objects.get(id=1).updated_at
Order.objects.filter(id=3).delete()

equal(User.objects.get(id=1).delete(), (1, {'shop.User': 1}), 'delete() of an object')
equal(User.objects.filter(id=1).delete()[0], 0, 'count of a second delete')
equal(User.objects.count(), 2, 'count of live rows')
equal(list(Order.objects.order_by('id').values_list('id', flat=True)), [1, 2, 4, 5], 'what cascades in the database has gone along')
equal(Order.objects.filter(id=1).delete(), (2, {'shop.Item': 1, 'shop.Order': 1}), 'a cascade of Django')
with connection.cursor() as cursor:
    cursor.execute('SELECT count(*), max(updated_at) FROM public.shop_user')
    count, after = cursor.fetchone()
    equal(count, 3, 'nothing is lost')
    ok(after > before, 'updated_at has advanced')
    cursor.execute('UPDATE public.shop_user SET deleted_at = NULL WHERE id = 1')
equal(list(Order.objects.order_by('id').values_list('id', flat=True)), [2, 4, 5, 6], 'restored, but for what was deleted before')
Invoice.objects.create(id=1, order_id=2)
try:
    with transaction.atomic():
        User.objects.filter(id=3).delete()
    ok(False, 'a live invoice prevents it')
except IntegrityError as error:
    equal(error.__cause__.pgcode, '23503', 'IntegrityError for a live invoice')

equal(manage('makemigrations', '--check', '--dry-run', '-v0'), 0, 'makemigrations finds no drift')
write_models('    age = models.IntegerField(null=True)\n')
manage('makemigrations', 'shop', '-v0')
equal(manage('migrate', '-v0'), 0, 'a migration that adds a column')
write_models('    age = models.TextField(null=True)\n')
manage('makemigrations', 'shop', '-v0')
equal(manage('migrate', '-v0'), 0, 'one that changes its type')
with connection.cursor() as cursor:
    cursor.execute('SELECT * FROM shop_user LIMIT 0')
    equal([c.name for c in cursor.description], ['id', 'email', 'updated_at', 'deleted_at', 'age'], 'the view follows')
write_models()
manage('makemigrations', 'shop', '-v0')
equal(manage('migrate', '-v0'), 0, 'and one that drops it')
equal(manage('makemigrations', '--check', '--dry-run', '-v0'), 0, 'and there is no drift again')
done()
