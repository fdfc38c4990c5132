import sqlalchemy as sa
from alembic import op

revision = '2'
down_revision = '1'


def time(name, **options):
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def upgrade():
    op.create_table(
        'users',
        sa.Column('id', sa.Integer, primary_key=True),
        sa.Column('email', sa.String, unique=True, nullable=False),
        sa.Column('name', sa.String),
        time('updated_at', server_default=sa.func.now(), nullable=False),
        time('deleted_at'))
    op.create_table(
        'orders',
        sa.Column('id', sa.Integer, primary_key=True),
        sa.Column('user_id', sa.Integer,
                  sa.ForeignKey('users.id', ondelete='CASCADE')),
        time('updated_at', server_default=sa.func.now(), nullable=False),
        time('deleted_at'))
    op.create_table(
        'invoices',
        sa.Column('id', sa.Integer, primary_key=True),
        sa.Column('order_id', sa.Integer,
                  sa.ForeignKey('orders.id', ondelete='RESTRICT')))

    op.execute('CREATE SCHEMA live')
    for table in 'users', 'orders':
        op.execute(f"SELECT schemakit.audit_enable('{table}')")
        op.execute(f"SELECT schemakit.soft_delete_enable('{table}', "
                   f"view_name => 'live.{table}')")


def downgrade():
    for table in 'invoices', 'orders', 'users':
        op.drop_table(table)
    op.execute('DROP SCHEMA live')
