"""The small migrated database of what isn't derived from the log: API keys, idempotency keys, the
keys of tasks' secrets, cancels of many tasks."""

from services.control_store.store import ControlStore, open_control_store

__all__ = ["ControlStore", "open_control_store"]
