"""What was copied of another region is found by its event, too."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("region_lines_by_event", "region_lines", ["event_id", "region"])


def downgrade() -> None:
    op.drop_index("region_lines_by_event", "region_lines")
