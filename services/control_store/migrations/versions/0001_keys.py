"""API keys and idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("shown", sa.String(40), nullable=False),
        sa.Column("organization", sa.String(100), nullable=False, index=True),
        sa.Column("role", sa.String(100), nullable=False),
        sa.Column("scopes", sa.String(1000)),
        sa.Column("principal_kind", sa.String(20), nullable=False),
        sa.Column("principal_id", sa.String(200), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger),
        sa.Column("last_used_at_us", sa.BigInteger),
        sa.Column("revoked_at_us", sa.BigInteger),
        sa.Column("revoked_by", sa.String(200)),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("organization", sa.String(100), primary_key=True),
        sa.Column("principal", sa.String(250), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.String(2000)),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_index(
        "idempotency_keys_by_age", "idempotency_keys", ["organization", "created_at_us"]
    )


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("api_keys")
