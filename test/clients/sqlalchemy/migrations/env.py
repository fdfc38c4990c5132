import os

from alembic import context
from sqlalchemy import create_engine

from models import Base

# Migrations see the tables only: "live" is not in their search_path.
with create_engine(os.environ['DATABASE_URL']).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
