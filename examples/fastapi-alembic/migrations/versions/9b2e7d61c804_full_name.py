"""full name"""

import sqlalchemy as sa
from alembic import op

revision = "9b2e7d61c804"
down_revision = "4f1c0a52d3b7"


def upgrade() -> None:
    op.add_column("users", sa.Column("full_name", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("users", "full_name")
