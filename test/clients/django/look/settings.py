import os

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': os.environ['PGDATABASE'],
        'USER': os.environ['PGUSER'],
        'HOST': os.environ['PGHOST'],
        'PORT': os.environ['PGPORT'],
    },
}
INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'shop']
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
SECRET_KEY = 'of no use here'
USE_TZ = True
