from alembic import op

revision = '1'
down_revision = None


def upgrade():
    op.execute('CREATE EXTENSION IF NOT EXISTS schemakit')


def downgrade():
    pass    # the extension and its audit log are the superuser's
