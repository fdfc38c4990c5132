from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


# Migrations must find the tables, and not the views.
def use_tables(using, **kwargs):
    with connections[using].cursor() as cursor:
        cursor.execute('SET search_path = public')


def use_views(using, **kwargs):
    with connections[using].cursor() as cursor:
        cursor.execute('RESET search_path')


class ShopConfig(AppConfig):
    name = 'shop'

    def ready(self):
        pre_migrate.connect(use_tables, sender=self)
        post_migrate.connect(use_views, sender=self)
