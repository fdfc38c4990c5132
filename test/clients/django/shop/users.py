# Deletes that can be undone
from django.db import connection

from shop.models import User


def delete_user(pk):
    # through the view: the row gets the time of its deletion
    return User.objects.filter(pk=pk).delete()


def restore_user(pk):
    # only the table itself has the deleted rows
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE public.users SET deleted_at = NULL WHERE id = %s', [pk])
        return cursor.rowcount
