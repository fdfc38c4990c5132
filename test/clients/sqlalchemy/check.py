# SQLAlchemy's ORM through the overlay: its sessions find the views of live rows
# under the tables' names.  Alembic looks at the schema "public" and sees tables.
from datetime import datetime, timezone

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, create_engine, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, declarative_base

from check import done, equal, ok

Base = declarative_base()


class User(Base):
    __tablename__ = 'users'
    id = Column(Integer, primary_key=True)
    email = Column(String, unique=True, nullable=False)
    updated_at = Column(DateTime(timezone=True), server_default=func.now())
    deleted_at = Column(DateTime(timezone=True))


class Order(Base):
    __tablename__ = 'orders'
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey('users.id', ondelete='CASCADE'))
    deleted_at = Column(DateTime(timezone=True))


class Invoice(Base):
    __tablename__ = 'invoices'
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey('orders.id', ondelete='RESTRICT'))


admin = create_engine('postgresql+psycopg2://', future=True)
engine = create_engine('postgresql+psycopg2://', connect_args={'options': '-csearch_path=live,public'}, future=True)


def migrate(change):
    with admin.begin() as connection:
        change(Operations(MigrationContext.configure(connection)))


def drift():
    with admin.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)


Base.metadata.create_all(admin)
with admin.begin() as connection:
    connection.execute(text('CREATE SCHEMA live'))
    for table in 'users', 'orders':
        connection.execute(text(f"SELECT schemakit.soft_delete_enable('{table}', view_name => 'live.{table}')"))
equal(drift(), [], 'alembic finds no drift')

with Session(engine) as session:
    session.add_all([User(id=i, email=f'user{i}@example.com', updated_at=datetime(2001, 1, 1, tzinfo=timezone.utc)) for i in (1, 2, 3)])
    session.flush()
    session.add_all([Order(id=i, user_id=1 + i % 3) for i in range(1, 7)])
    session.commit()
    session.execute(delete(Order).where(Order.id == 3))
    session.commit()

    session.delete(session.get(User, 1))
    session.commit()    # a count other than 1 would be an error here
    ok(session.get(User, 1) is None, 'session.delete()')
    equal(session.execute(delete(User).where(User.id == 1)).rowcount, 0, 'rowcount of a second delete')
    equal(session.execute(delete(User).where(User.id == 2)).rowcount, 1, 'rowcount')
    equal(session.execute(delete(User.__table__).where(User.id == 3).returning(User.email)).scalars().all(), ['user3@example.com'], 'RETURNING')
    session.rollback()
    equal(session.scalar(select(func.count()).select_from(User)), 2, 'count of live rows')
    equal(session.scalars(select(Order.id).order_by(Order.id)).all(), [1, 2, 4, 5], 'what cascades has gone along')

with Session(admin) as session:
    equal(session.scalar(select(func.count()).select_from(User)), 3, 'nothing is lost')
    ok(session.scalar(select(User.updated_at).where(User.id == 1)).year > 2001, 'updated_at has advanced')
    session.execute(update(User).where(User.id == 1).values(deleted_at=None))
    session.commit()
with Session(engine) as session:
    equal(session.scalars(select(Order.id).order_by(Order.id)).all(), [1, 2, 4, 5, 6], 'restored, but for what was deleted before')
    session.add(Invoice(id=1, order_id=1))
    session.commit()
    session.delete(session.get(User, 2))
    try:
        session.commit()
        ok(False, 'a live invoice prevents it')
    except IntegrityError as error:
        ok(error.orig.pgcode in ('23503', '23001'), 'IntegrityError for a live invoice')
        equal(error.orig.diag.constraint_name, 'invoices_order_id_fkey', 'it names the constraint')

migrate(lambda op: op.add_column('users', Column('age', Integer)))
migrate(lambda op: op.alter_column('users', 'age', type_=String))
migrate(lambda op: op.alter_column('users', 'age', new_column_name='years'))
with engine.connect() as connection:
    equal(list(connection.execute(text('SELECT * FROM users LIMIT 0')).keys()), ['id', 'email', 'updated_at', 'deleted_at', 'years'], 'the view follows migrations')
migrate(lambda op: op.drop_column('users', 'years'))
equal(drift(), [], 'and there is no drift again')
done()
