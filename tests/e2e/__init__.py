"""Real processes, real signals, real clients."""
