# Deletes that can be undone
from shop.models import User


def delete_user(pk):
    # through the view: the row gets the time of its deletion
    return User.objects.filter(pk=pk).delete()


def restore_user(pk):
    # only the table itself has the deleted rows
    return User.objects.using('tables').filter(pk=pk).update(deleted_at=None)
