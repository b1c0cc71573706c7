"""Cancels of many tasks: what was selected, who had it cancelled, how far it has come."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_cancels",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("organization", sa.String(100), nullable=False),
        sa.Column("selection", sa.Text, nullable=False),
        sa.Column("frontier", sa.String(2000), nullable=False),
        sa.Column("tasks", sa.BigInteger, nullable=False),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("previewed_at_us", sa.BigInteger, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.Text),
        sa.Column("begun_at_us", sa.BigInteger),
        sa.Column("batches_done", sa.BigInteger, nullable=False),
        sa.Column("tally", sa.Text, nullable=False),
        sa.Column("stop_asked_at_us", sa.BigInteger),
        sa.Column("stop_asked_by", sa.Text),
        sa.Column("ended_at_us", sa.BigInteger),
    )
    op.create_index("bulk_cancels_by_time", "bulk_cancels", ["organization", "previewed_at_us"])
    op.create_table(
        "bulk_batches",
        sa.Column("job_id", sa.String(36), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("task_ids", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("bulk_batches")
    op.drop_table("bulk_cancels")
