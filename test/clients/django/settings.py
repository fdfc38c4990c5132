import os

database = {
    'ENGINE': 'django.db.backends.postgresql',
    'NAME': os.environ['PGDATABASE'],
    'USER': os.environ['PGUSER'],
    'HOST': os.environ['PGHOST'],
    'PORT': os.environ['PGPORT'],
}
DATABASES = {
    # the views of live rows are in "live", under their tables' names
    'default': {
        **database,
        'OPTIONS': {'options': '-c search_path=live,public'},
    },
    # for migrations, and for what has been deleted
    'tables': database,
}
INSTALLED_APPS = ['shop']
MIDDLEWARE = ['shop.middleware.ActorMiddleware']
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
SECRET_KEY = 'of no use here'
USE_TZ = True
