from django.db import models


class User(models.Model):
    email = models.TextField(unique=True)
    name = models.TextField(null=True)
    age = models.TextField(null=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = 'users'


class Order(models.Model):
    # the database cascades: see migrations/0003_rules.py
    user = models.ForeignKey(User, models.DO_NOTHING)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = 'orders'


class OrderItem(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = 'order_items'


class Invoice(models.Model):
    order = models.ForeignKey(Order, models.DO_NOTHING)

    class Meta:
        db_table = 'invoices'
