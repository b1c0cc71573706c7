"""The control store's tables, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("shown", String(40), nullable=False),
    Column("organization", String(100), nullable=False, index=True),
    Column("role", String(100), nullable=False),
    Column("scopes", String(1000)),
    Column("principal_kind", String(20), nullable=False),
    Column("principal_id", String(200), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires_at_us", BigInteger),
    Column("last_used_at_us", BigInteger),
    Column("revoked_at_us", BigInteger),
    Column("revoked_by", String(200)),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("organization", String(100), primary_key=True),
    Column("principal", String(250), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("status", Integer),
    Column("headers", String(2000)),
    Column("body", LargeBinary),
    Index("idempotency_keys_by_age", "organization", "created_at_us"),
)

secret_keys = Table(
    "secret_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("organization", String(100), nullable=False),
    Column("task_id", String(200), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
)

bulk_cancels = Table(
    "bulk_cancels",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("organization", String(100), nullable=False),
    Column("selection", Text, nullable=False),
    Column("frontier", String(2000), nullable=False),
    Column("tasks", BigInteger, nullable=False),
    Column("runs", BigInteger, nullable=False),
    Column("previewed_at_us", BigInteger, nullable=False),
    Column("expires_at_us", BigInteger, nullable=False),
    Column("orders", Text),
    Column("begun_at_us", BigInteger),
    Column("batches_done", BigInteger, nullable=False),
    Column("tally", Text, nullable=False),
    Column("stop_asked_at_us", BigInteger),
    Column("stop_asked_by", Text),
    Column("ended_at_us", BigInteger),
    Index("bulk_cancels_by_time", "organization", "previewed_at_us"),
)

bulk_batches = Table(
    "bulk_batches",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("task_ids", Text, nullable=False),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("organization", String(100), nullable=False, index=True),
    Column("url", String(2000), nullable=False),
    Column("types", Text),
    Column("description", String(1000), nullable=False),
    Column("secret", String(200), nullable=False),
    Column("previous_secret", String(200)),
    Column("previous_until_us", BigInteger),
    Column("created_at_us", BigInteger, nullable=False),
    Column("created_by", String(250), nullable=False),
    Column("rotated_at_us", BigInteger),
)

webhook_positions = Table(
    "webhook_positions",
    metadata,
    Column("endpoint_id", String(40), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint_id", String(40), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(40), nullable=False),
    Column("type", String(200), nullable=False),
    Column("root", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("last_status", Integer),
    Column("last_error", String(500), nullable=False),
    Index("webhook_deliveries_by_state", "endpoint_id", "state", "partition", "offset"),
)

region_news = Table(
    "region_news",
    metadata,
    Column("region", String(100), primary_key=True),
    Column("frontier", Text, nullable=False),
    Column("read_at_us", BigInteger, nullable=False),
    Column("heard_at_us", BigInteger, nullable=False),
    Column("way", Text),
)

region_lines = Table(
    "region_lines",
    metadata,
    Column("region", String(100), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("organization", String(100), nullable=False),
    Column("root", String(200), nullable=False),
    Column("event_id", String(32), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", String(32)),
    Column("appended_at_us", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("region_lines_by_root", "organization", "root", "region", "partition", "offset"),
    Index("region_lines_by_event", "event_id", "region"),
)
