# The views of live rows follow changes of the tables' columns.
import sqlalchemy as sa
from alembic import op

revision = '3'
down_revision = '2'


def upgrade():
    op.add_column('users', sa.Column('age', sa.Integer))
    op.alter_column('users', 'age', type_=sa.String)
    op.alter_column('users', 'age', new_column_name='years')


def downgrade():
    op.drop_column('users', 'years')
