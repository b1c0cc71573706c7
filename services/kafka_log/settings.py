"""What can be set about the brokers and the topics on them. Loads nothing of Kafka's client."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class BrokerSettings(BaseModel):
    """How the brokers are talked to, and what the topics are when they are created."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "countermand"
    """The topics are PREFIX-history, PREFIX-output and PREFIX-heartbeats."""
    partitions: Annotated[int, Field(ge=1, le=1_000)] = 12
    """Of history and output, for ever: with another number a root would change its partition."""
    replication: PositiveInt | None = None
    """On how many brokers; by default what the brokers' own settings say. Three in production."""
    output_keep_seconds: PositiveFloat = 7 * 86_400
    heartbeats_keep_seconds: PositiveFloat = 86_400
    start_seconds: PositiveFloat = 30
    """How long a service that starts waits for brokers that can't be reached."""
    patience_seconds: PositiveFloat = 30
    """How long brokers may be away before a call gives up, and a service that reads ends."""
    request_timeout_seconds: PositiveFloat = 10
    tls: bool = False
    tls_ca_file: Path | None = None
    """Who signed the brokers' certificates; by default whoever this machine trusts."""
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_key_password: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    password_in_the_clear: bool = False
    """Allows a password without TLS: on a network that nobody else can listen on."""

    @model_validator(mode="after")
    def _fits_together(self) -> "BrokerSettings":
        if (self.username is None) != (self.password is None):
            raise ValueError("set both username and password, or neither")
        files = (self.tls_ca_file, self.tls_certificate_file, self.tls_key_file)
        if not self.tls and any(files):
            raise ValueError("certificates are given: set tls=true")
        if self.username is not None and not (self.tls or self.password_in_the_clear):
            raise ValueError(
                "a password without TLS can be read by everybody on the network: set tls=true, "
                "or password_in_the_clear=true"
            )
        return self
