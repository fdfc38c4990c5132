import os

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': os.environ['PGDATABASE'],
        'USER': os.environ['PGUSER'],
        'HOST': os.environ['PGHOST'],
        'PORT': os.environ['PGPORT'],
        # the views of live rows are in "live", under their tables' names
        'OPTIONS': {'options': '-c search_path=live,public'},
    },
}
INSTALLED_APPS = ['shop']
MIDDLEWARE = ['shop.middleware.ActorMiddleware']
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
SECRET_KEY = 'of no use here'
USE_TZ = True
