"""What an engine's HTTP API is like, as templates: how to start, look at and cancel a run there.

Holes: `${payload...}`, `${secrets...}`, `${labels...}`, `${run_id}`, `${task_id}`,
`${organization}`, `${attempt}`, `${kind}`, and once it runs `${handle}`.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
)


def _fits_a_header(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("it goes into a header: printable ASCII only")
    return secret


HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
HeaderSecret = Annotated[SecretStr, AfterValidator(_fits_a_header)]
Word = Literal["running", "succeeded", "failed", "cancelled"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Call(Section):
    """One request."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str
    body: Any = None

    @field_validator("url")
    @classmethod
    def _names_its_host(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a whole URL, http or https")
        if "$" in parts.netloc or parts.username is not None:
            raise ValueError("the host is the operator's to say: no holes, no credentials in it")
        return url


class Patience(Section):
    """How long, and how often."""

    poll_seconds: PositiveFloat = 0.5
    """At first; then ever more seldom."""
    poll_limit_seconds: PositiveFloat = 10
    request_seconds: PositiveFloat = 10
    tries: PositiveInt = 3
    """For one request; a run outlives a request that fails."""
    answer_limit_bytes: PositiveInt = 1_000_000


class HttpEngine(Section):
    """An engine that nobody wrote an adapter for."""

    type: Literal["http"] = "http"
    headers: dict[Annotated[str, Field(pattern=HEADER_NAME)], HeaderSecret] = {}
    """Of every request."""
    start: Call
    """Must be idempotent by the run's id, which is also sent as `Idempotency-Key`: it is repeated
    when an answer was lost."""
    handle_at: str = "id"
    """Where in the answer the engine's own id of the run is."""
    find: Call | None = None
    """For engines whose `start` answers before there is a run: asked with `${handle}` of that
    answer until the run's own is at `found_at`."""
    found_at: str = "id"
    status: Call
    word_at: str = "status"
    words: dict[str, Word]
    """The engine's words; one that isn't here is taken for running."""
    result_at: str | None = "output"
    error_at: str | None = "error"
    cancel: Call
    terminate: Call | None = None
    """What is called instead once the grace is over."""
    patience: Patience = Patience()
