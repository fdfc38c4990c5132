from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('shop', '0003_rules')]

    operations = [
        migrations.AddField('user', 'age', models.IntegerField(null=True)),
        migrations.AlterField('user', 'age', models.TextField(null=True)),
    ]
