# SQLAlchemy's ORM through the views: its sessions find those of live rows under the
# tables' names.  Alembic looks at the schema "public" and sees tables.
import os
import subprocess
import sys
from datetime import datetime, timezone

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import delete_user, engine, leave_times_alone, restore_user, session_of
from checks import audited, changed, done, equal, make_old, ok
from models import Base, Invoice, Order, User

directory = os.path.dirname(os.path.abspath(__file__))
tables = create_engine(os.environ['DATABASE_URL'], future=True)


def alembic(*args):
    return subprocess.call([sys.executable, '-W', 'ignore', '-m', 'alembic', '-c', f'{directory}/alembic.ini', *args])


def drift():
    """What autogenerate would do, with what migrations/env.py configures"""
    config = Config(f'{directory}/alembic.ini')
    script = ScriptDirectory.from_config(config)
    found = []

    def compare(revision, context):
        found.extend(compare_metadata(context, Base.metadata))
        return []

    with EnvironmentContext(config, script, fn=compare):
        script.run_env()
    return found


def ids(session, model):
    return session.scalars(select(model.id).order_by(model.id)).all()


def columns():
    with engine.connect() as connection:
        return list(connection.execute(text('SELECT * FROM users LIMIT 0')).keys())


equal([alembic('upgrade', '2'), alembic('downgrade', 'base'), alembic('upgrade', '2')], [0, 0, 0], 'migrations up, down and up')
equal(drift(), [], 'alembic finds no drift')

with session_of('ann@example.com') as session:
    session.add_all([User(email=f'user{i}@example.com') for i in (1, 2, 3)])
    session.flush()
    session.add_all([Order(id=i, user_id=1 + i % 3) for i in range(1, 7)])
    session.commit()
    make_old('users')
    user = session.get(User, 2)
    equal(user.updated_at.year, 2001, 'updated_at is old')
    user.name = 'Bob'
    session.flush()
    ok(user.updated_at.year > 2001, 'the session knows that updated_at has advanced')
    session.commit()
equal(changed('users'), [2], 'updated_at has advanced')

with Session(engine, future=True) as session:
    session.execute(delete(Order).where(Order.id == 3))
    session.commit()
with session_of('bob@example.com') as session:
    equal([order.id for order in session.get(User, 1).orders], [6], 'a relationship goes through the view')
    delete_user(session, 1)
    session.commit()    # a count other than 1 would be an error here
    ok(session.get(User, 1) is None, 'session.delete()')
with Session(engine, future=True) as session:
    equal(session.execute(delete(User).where(User.id == 1)).rowcount, 0, 'rowcount of a second delete')
    equal(session.execute(delete(User).where(User.id == 2)).rowcount, 1, 'rowcount')
    equal(session.execute(delete(User.__table__).where(User.id == 3).returning(User.email)).scalars().all(), ['user3@example.com'], 'RETURNING')
    session.rollback()
    equal(ids(session, User), [2, 3], 'deleted rows are not seen')
    equal(ids(session, Order), [1, 2, 4, 5], 'nor is what cascades')
with Session(tables, future=True) as session:
    equal(session.scalar(select(func.count()).select_from(User)), 3, 'nothing is lost')
equal(changed('users'), [1, 2], 'updated_at has advanced')

with session_of('cleo@example.com') as session:
    restore_user(session, 1)
    session.commit()
    equal(ids(session, User), [1, 2, 3], 'it is back')
    equal(ids(session, Order), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before')
    session.add(Invoice(id=1, order_id=1))
    session.commit()
    delete_user(session, 2)
    try:
        session.commit()
        ok(False, 'a live invoice prevents it')
    except IntegrityError as error:
        ok(error.orig.pgcode in ('23503', '23001'), 'IntegrityError for a live invoice')
        equal(error.orig.diag.constraint_name, 'invoices_order_id_fkey', 'it names the constraint')

equal(audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'ann@example.com U 2',
    'bob@example.com deleted 1', 'cleo@example.com restored 1',
], 'the audit log knows who did it')
equal(audited('orders')[6:], ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades')

# Who sets updated_at, and how it is left alone
make_old('users')
with Session(engine, future=True) as session:
    leave_times_alone(session)
    session.get(User, 1).name = 'a'
    session.execute(update(User).where(User.id == 2).values(name='a'))
    session.commit()
    equal(changed('users'), [], 'nothing sets it with timestamps_touch = off')
    equal([session.get(User, i).name for i in (1, 2)], ['a', 'a'], 'but the rows are changed')
    session.execute(update(User).where(User.id == 2).values(name='b'))
    session.commit()
    equal(changed('users'), [2], 'and it is on again')
    user = session.get(User, 1)
    user.updated_at = datetime(2003, 1, 1, tzinfo=timezone.utc)
    user.name = 'c'
    session.commit()
    equal(user.updated_at.year, 2003, 'a time that is given is kept')
    # as a column with onupdate=func.now() does
    session.execute(update(User).where(User.id == 1).values(name='d', updated_at=func.now()))
    session.commit()
    equal(changed('users'), [1, 2], 'so is one of the database')

before = columns()
alembic('upgrade', '3')
equal(columns(), before + ['years'], 'the view follows migrations')
alembic('downgrade', '2')
equal(columns(), before, 'also when a column goes')
equal(drift(), [], 'and there is no drift again')
done()
