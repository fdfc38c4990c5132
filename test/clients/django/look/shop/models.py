from django.db import models


class User(models.Model):
    email = models.TextField(unique=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = 'users'


class Tag(models.Model):
    name = models.TextField(db_index=True)


class Order(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
    tags = models.ManyToManyField(Tag)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = 'orders'
