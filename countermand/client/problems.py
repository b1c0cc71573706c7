"""What the service refused."""

from collections.abc import Mapping
from typing import Any

import httpx

from countermand.client.documents.receipts import Receipt

UPGRADE_NEEDED = "urn:countermand:problem:upgrade-needed"
"""What is asked about can't be known before the service is upgraded."""


class Problem(Exception):
    """What the service refused, and why (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(f"{document.get('title', status)}: {document.get('detail', '')}")
        self.status = status
        self.document = dict(document)

    @property
    def reason(self) -> str | None:
        return self.document.get("reason")

    @property
    def receipt(self) -> Receipt | None:
        """Of a cancel that was void."""
        return self.document.get("receipt")


def worth_repeating(error: Exception) -> bool:
    """Nothing was answered, or it was said to try again; writes carry their Idempotency-Key."""
    if isinstance(error, Problem):
        return error.status in (429, 503) and error.document.get("type") != UPGRADE_NEEDED
    return isinstance(error, httpx.TransportError)


def problem(response: httpx.Response) -> Problem:
    try:
        document = response.json()
    except ValueError:
        document = {}
    return Problem(response.status_code, document if isinstance(document, dict) else {})
