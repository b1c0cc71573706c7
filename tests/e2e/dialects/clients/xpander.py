"""xpander, as its documentation does it with requests: stop, then poll until it is stopped."""

import sys

import requests

base, key = sys.argv[1:3]
session = requests.Session()
session.headers["x-api-key"] = key
begun = session.post(
    f"{base}/v1/agents/sleeper/invoke/async", json={"input": {"text": "hi"}}, timeout=30
)
task_id = begun.json()["id"]
stopped = session.post(f"{base}/v1/tasks/{task_id}/stop", timeout=30)
print(stopped.status_code, stopped.json()["is_manually_stopped"])
while session.get(f"{base}/v1/tasks/{task_id}", timeout=30).json()["status"] != "stopped":
    pass
print("stopped")
