"""What can be set about webhooks."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

Network = IPv4Network | IPv6Network


class WebhookSettings(BaseModel):
    """Of one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoints_per_organization: PositiveInt = 50
    plain_http: bool = False
    """Whether endpoints without TLS may be named."""
    allowed_networks: tuple[Network, ...] = ()
    """Private addresses that may be reached all the same, e.g. 10.1.0.0/16."""
    attempt_seconds: PositiveFloat = 15
    """A receiver that hasn't answered by then has not accepted."""
    connect_seconds: PositiveFloat = 5
    """Within which one of the first addresses of its name must take the connection."""
    retry_after_seconds: Annotated[tuple[NonNegativeFloat, ...], Field(max_length=100)] = (
        5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800,
    )  # fmt: skip
    """After each attempt that failed; after the last one the delivery is dead."""
    queued_per_endpoint: PositiveInt = 1_000
    """What is beyond waits in the history."""
    dead_per_endpoint: PositiveInt = 10_000
    """Beyond it the oldest is forgotten; the history has it."""
    concurrent_per_endpoint: PositiveInt = 8
    secret_overlap_seconds: NonNegativeFloat = 24 * 3600
    """After a rotation deliveries are signed with the secret before, too, for so long."""
