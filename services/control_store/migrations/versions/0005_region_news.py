"""What other regions have decided, as far as it came here."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "region_news",
        sa.Column("region", sa.String(100), primary_key=True),
        sa.Column("frontier", sa.Text, nullable=False),
        sa.Column("read_at_us", sa.BigInteger, nullable=False),
        sa.Column("heard_at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "region_lines",
        sa.Column("region", sa.String(100), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("organization", sa.String(100), nullable=False),
        sa.Column("root", sa.String(200), nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("appended_at_us", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_index(
        "region_lines_by_root",
        "region_lines",
        ["organization", "root", "region", "partition", "offset"],
    )


def downgrade() -> None:
    op.drop_table("region_lines")
    op.drop_table("region_news")
