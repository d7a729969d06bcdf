"""users"""

import sqlalchemy as sa
from alembic import op

revision = "4f1c0a52d3b7"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("password", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("users")
