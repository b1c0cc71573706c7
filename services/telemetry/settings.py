"""What can be set about metrics and traces."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, SecretStr


class TelemetrySettings(BaseModel):
    """Of one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics_token: SecretStr | None = None
    """Whoever asks for `/metrics` must bear it; without one it is open to all who reach it."""
    label_sets_limit: PositiveInt = 500
    """Kinds of tasks are callers' texts: beyond so many a new one counts among the others."""
    span_exporter: str | None = None
    """An exporter of OpenTelemetry by its registered name, e.g. `otlp_proto_http`, whose package is
    installed; it reads its own OTEL_... variables. Without one there are no spans."""
    sampled_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the requests that come without a trace of their own."""
