import os

from alembic import context
from sqlalchemy import create_engine

from models import Base


# With include_schemas, autogenerate would remove the tables of the audit log.
def include_name(name, type_, parent_names):
    return type_ != 'schema' or name != 'schemakit'


# Migrations see the tables only: "live" is not in their search_path.
with create_engine(os.environ['DATABASE_URL']).connect() as connection:
    context.configure(
        connection=connection, target_metadata=Base.metadata,
        include_schemas=True, include_name=include_name)
    with context.begin_transaction():
        context.run_migrations()
