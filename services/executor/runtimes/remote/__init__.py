"""Remote engines: their runs outlive executors, and are stopped through their HTTP API.

`engine.py` says what an engine's API is like, `trigger_dev.py` what Trigger.dev's is like;
`calls.py` makes one call; `run.py` is one run's life; `runtime.py` is what the executor sees of it.
"""
