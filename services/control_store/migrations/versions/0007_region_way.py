"""How what a region says comes here: its positions depend on it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("region_news", sa.Column("way", sa.Text))


def downgrade() -> None:
    op.drop_column("region_news", "way")
