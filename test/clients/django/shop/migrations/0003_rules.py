from django.db import migrations

tables = ['users', 'orders', 'order_items']


class Migration(migrations.Migration):
    dependencies = [('shop', '0002_shop')]

    operations = [
        # Django makes foreign keys without ON DELETE CASCADE. Do this for
        # each foreign key that must cascade.
        migrations.RunSQL(
            '''ALTER TABLE orders
               DROP CONSTRAINT orders_user_id_7e2523fb_fk_users_id,
               ADD CONSTRAINT orders_user_id_7e2523fb_fk_users_id
               FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE
               DEFERRABLE INITIALLY DEFERRED''',
            migrations.RunSQL.noop),
        migrations.RunSQL('CREATE SCHEMA live', 'DROP SCHEMA live'),
    ] + [
        migrations.RunSQL(
            f"SELECT schemakit.audit_enable('{table}')",
            f"SELECT schemakit.audit_disable('{table}')")
        for table in tables
    ] + [
        migrations.RunSQL(
            f"SELECT schemakit.soft_delete_enable('{table}', "
            f"view_name => 'live.{table}', protect => true)",
            f"SELECT schemakit.soft_delete_disable('{table}')")
        for table in tables
    ]
