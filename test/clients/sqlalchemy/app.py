# SQLAlchemy with schemakit: who acts, deletes that can be undone, and changes
# that leave updated_at alone.  The tables are in models.py, and Alembic's migrations in migrations/.
import os

from sqlalchemy import create_engine, event, func, select, text, update
from sqlalchemy.orm import Session

from models import User

# The views of live rows are in the schema "live", under their tables' names.
engine = create_engine(
    os.environ['DATABASE_URL'], future=True,
    connect_args={'options': '-c search_path=live,public'})


# Tells the audit log who acts, at the start of each transaction of a session.
@event.listens_for(Session, 'after_begin')
def set_actor(session, transaction, connection):
    actor = session.info.get('actor')
    if actor is not None:
        connection.execute(select(func.schemakit.audit_set_actor(actor)))


def session_of(actor):
    return Session(engine, info={'actor': actor}, future=True)


# The session deletes through the view: the row gets the time of its deletion.
def delete_user(session, pk):
    session.delete(session.get(User, pk))


# Only the table itself has the deleted rows.
def restore_user(session, pk):
    session.execute(
        update(User).where(User.id == pk).values(deleted_at=None),
        execution_options={'schema_translate_map': {None: 'public'},
                           'synchronize_session': False})


# No updated_at changes until the end of the transaction, unless a statement sets
# it.
def leave_times_alone(session):
    session.execute(text('SET LOCAL schemakit.timestamps_touch = off'))
