from django.db import migrations


class Migration(migrations.Migration):
    # backwards it does nothing: the extension is the superuser's
    operations = [
        migrations.RunSQL('CREATE EXTENSION IF NOT EXISTS schemakit',
                          migrations.RunSQL.noop),
    ]
