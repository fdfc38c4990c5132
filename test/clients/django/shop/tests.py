from django.db import connection
from django.test import TestCase

from shop.models import User
from shop.users import delete_user, restore_user


# A test is one transaction, in a database that only the migrations have made.
class SoftDeleteTest(TestCase):
    def test_restore(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        pk = User.objects.create(email='user1@example.com').pk
        delete_user(pk)
        self.assertFalse(User.objects.filter(pk=pk).exists())
        self.assertEqual(restore_user(pk), 1)
        self.assertTrue(User.objects.filter(pk=pk).exists())
