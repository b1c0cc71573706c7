"""Settings for trying the dialects, and waiting for what their tasks come to."""

import time
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countermand.cli import key_store
from services.settings import read_settings
from tests.e2e.running import Running, until_running

SLEEP = {"kind": "sleep", "payload": {"seconds": 600}}
DONE = {"kind": "sleep", "payload": {"seconds": 0}}
FAILING = {"kind": "fail", "payload": {"message": "it was meant to fail"}}
STUBBORN = {"kind": "stubborn", "payload": {"seconds": 600}, "grace_seconds": 15}
ASKING = {"kind": "rehearse", "payload": {"seconds": 0, "ask": "may I?"}}
COUNTING = {"kind": "count", "payload": {"every_ms": 20}}
COMMAND = {"kind": "wait", "payload": {}}
AGENTS = {
    "*": SLEEP,
    "sleeper": SLEEP,
    "done": DONE,
    "failing": FAILING,
    "stubborn": STUBBORN,
    "asking": ASKING,
    "counting": COUNTING,
    "elsewhere": {**SLEEP, "region": "elsewhere"},
    "a command": COMMAND,
}
SIGNING_SECRET = "a secret of at least thirty-two characters"
WIDGET_SECRET = "another secret of thirty-two characters"
FIRST_SITE = "5a1d3f0e-0000-4000-8000-000000000001"
"""Which is there also without settings."""
SITE = "11111111-1111-4111-8111-111111111111"
ELSEWHERE = "22222222-2222-4222-8222-222222222222"
FOREIGN_SITE = "33333333-3333-4333-8333-333333333333"
FLOWLESS_SITE = "44444444-4444-4444-8444-444444444444"
RACKS = ["55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666"]
SIGNER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PLAN = [
    {"title": "Research", "target": DONE},
    {"title": "Draft", "target": SLEEP, "after": ["Research"]},
    {"title": "Review", "target": SLEEP, "after": ["Draft"], "task_type": "review"},
]
SETTINGS: dict[str, Any] = {
    "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": 0,
    "COUNTERMAND_GATEWAY__STREAM_HEARTBEAT_SECONDS": 0.2,
    "COUNTERMAND_EXECUTOR__COMMANDS": {"wait": {"argv": ["sleep", "600"]}},
    "COUNTERMAND_DIALECTS__CANCEL_WAIT_SECONDS": 1,
    "COUNTERMAND_DIALECTS__CRM": {
        "agents": {"analytics": SLEEP, "order": DONE, "quote": FAILING, "customer": STUBBORN},
        "session_secret": SIGNING_SECRET,
    },
    "COUNTERMAND_DIALECTS__DEEP_WORK": {
        "plans": {
            "auto": PLAN,
            "none": [{"title": "All of it", "target": DONE}],
            "quick": [{"title": "Stubborn", "target": STUBBORN}],
            "deep": [{"title": "Fails", "target": FAILING}, {"title": "Draft", "target": SLEEP}],
        }
    },
    "COUNTERMAND_DIALECTS__NICO": {
        "sites": {
            FIRST_SITE: {},
            SITE: {"racks": RACKS},
            ELSEWHERE: {"region": "elsewhere"},
            FOREIGN_SITE: {"provider": "other"},
            FLOWLESS_SITE: {"flow": False},
        },
        "providers": {"default": ["default", "acme"], "other": ["others"]},
        "power": SLEEP,
        "firmware": STUBBORN,
        "bringup": {"kind": "sleep", "payload": {"seconds": "${request.seconds}"}},
    },
    "COUNTERMAND_DIALECTS__SIGMIC": {
        "target": COUNTING,
        "target_with_approvals": ASKING,
        "projects": {"done": DONE, "failing": FAILING, "stubborn": STUBBORN, "quiet": SLEEP},
        "token_secret": SIGNING_SECRET,
        "widgets": {
            "app": {
                "secret": WIDGET_SECRET,
                "organization": "default",
                "origins": ["https://shop.example"],
            }
        },
    },
    "COUNTERMAND_DIALECTS__XPANDER": {"agents": AGENTS, "sync_wait_seconds": 2},
}


def until(native: httpx.Client, task_id: str, status: str = "running") -> None:
    """Wait, by the native API's stream, until a task has this status."""
    until_running(native, task_id, status)


def until_failed_again(native: httpx.Client, task_id: str) -> None:
    with native.stream("GET", f"/tasks/{task_id}/stream") as frames:
        failures = (line for line in frames.iter_lines() if '"status":"failed"' in line)
        next(failures)
        next(failures)


def new_key(service: Running, organization: str, role: str, user: str | None = None) -> str:
    """As `countermand keys create` makes one, without a process of its own."""
    settings = read_settings(data=service.data)
    return key_store.create(settings, organization, role, user, None, None, None).key


def forced(native: httpx.Client, id: str, kind: str = "tasks") -> None:
    """End a run that ignores polite requests."""
    answer = native.post(
        f"/{kind}/{id}/cancel", json={"mode": "force"}, headers={"prefer": "wait=20"}
    )
    assert answer.status_code == 200, answer.text


def public_key() -> str:
    """Of who signs bearer tokens here, in PEM."""
    public = SIGNER.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def bearer_token(**claims: Any) -> str:
    return jwt.encode({"sub": "carol", "exp": int(time.time()) + 600, **claims}, SIGNER, "RS256")
