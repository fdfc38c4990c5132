# What SQLAlchemy reflects, and what Alembic would do: in the default schema, and in all
# but "schemakit", as the manual advises.
import os

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, String, create_engine, func, inspect
from sqlalchemy.orm import declarative_base
from sqlalchemy.schema import CreateTable

Base = declarative_base()


class User(Base):
    __tablename__ = 'users'
    id = Column(Integer, primary_key=True)
    email = Column(String, unique=True, nullable=False)
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    deleted_at = Column(DateTime(timezone=True))


class Order(Base):
    __tablename__ = 'orders'
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey('users.id', ondelete='CASCADE'), index=True)
    deleted_at = Column(DateTime(timezone=True))


def write(name, lines):
    with open(f"{os.environ['OUT']}/{name}", 'w') as file:
        file.writelines(f'{line}\n' for line in lines)


engine = create_engine(os.environ['DATABASE_URL'])
Base.metadata.create_all(engine)
with engine.connect() as connection:
    found = inspect(connection)
    write('names', [found.get_schema_names(), found.get_table_names(), found.get_view_names(), found.get_sequence_names(), found.default_schema_name])
    for table in 'users', 'orders':
        write(table, [
            found.get_columns(table), found.get_pk_constraint(table), found.get_foreign_keys(table), found.get_indexes(table),
            found.get_unique_constraints(table), found.get_check_constraints(table), found.get_table_comment(table)])
    metadata = MetaData()
    metadata.reflect(connection, views=True)
    write('reflected', [str(CreateTable(table).compile(engine)) for table in metadata.sorted_tables])
    for name, options in {
        'default': {},
        'advised': {'include_schemas': True, 'include_name': lambda name, type_, parent: type_ != 'schema' or name != 'schemakit'},
    }.items():
        for what, models in ('drift', Base.metadata), ('empty', MetaData()):
            context = MigrationContext.configure(connection, opts={'compare_type': True, 'target_metadata': models, **options})
            code = render_python_code(produce_migrations(context, models).upgrade_ops)
            write(f'{name}.{what}', sorted(code.splitlines()))    # the order of a set
