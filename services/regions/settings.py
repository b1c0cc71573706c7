"""What can be set about regions."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)

from events.body import Organization, Region
from services.kafka_log.settings import BrokerSettings


class LogAddress(BaseModel):
    """Where a region's history is read without its gateways: its own topic, or a copy of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka: Annotated[str, Field(min_length=1, max_length=1000)]
    """Brokers, as host:port,host:port."""
    broker: BrokerSettings = BrokerSettings()
    """How they are talked to; the prefix and the number of partitions are those of that region."""
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")] | None = None
    """By default PREFIX-history."""
    is_copy: bool = False
    """Another tool makes it, e.g. MirrorMaker 2: `eu.countermand-history`."""

    @property
    def name(self) -> str:
        """Of the topic."""
        return self.topic or f"{self.broker.topic_prefix}-history"


class RegionAddress(BaseModel):
    """Where a region's gateways are, and what proves to them that it is our bridge that calls; or
    where its log is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]+$", max_length=1000)] | None = None
    key: SecretStr | None = None
    """An API key with the role `bridge`, of an organization that operates that service."""
    log: LogAddress | None = None
    """What that region says is read there, by whoever carries itself (`regions.carry`)."""
    authority_file: Path | None = None
    """PEM: who may have signed the gateways' certificates; without it, those that the system
    trusts."""
    certificate_file: Path | None = None
    """PEM: shown to gateways that want one (mutual TLS)."""
    certificate_key_file: Path | None = None

    @property
    def way(self) -> str:
        """From where what this region says is read. Positions count there, and nowhere else."""
        if self.log is None:
            return "its gateways"
        return f"a copy, topic {self.log.name}" if self.log.is_copy else f"topic {self.log.name}"

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if (self.url is None) != (self.key is None):
            raise ValueError("set both url and key, or neither")
        if self.url is None and self.log is None:
            raise ValueError("set url and key, or log")
        return self


class RegionSettings(BaseModel):
    """Of one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    others: dict[Region, RegionAddress] = {}
    """By name. Requests for these are taken here and carried there."""
    here: RegionAddress | None = None
    """This region, for the bridge: it reaches its own gateways like those of the others."""
    carry: bool = False
    """`countermand up` carries between this region and the others itself: it needs no `countermand
    bridge` beside it."""
    organizations: dict[Organization, frozenset[Region]] = {}
    """By organization: the regions that it may use, and that its data stays in. One that isn't
    named may use all."""
    parcel_lines: PositiveInt = 1_000
    parcel_limit_bytes: Annotated[int, Field(ge=1_100_000)] = 4_000_000
    """Together, unless a single line is longer. Below the gateways' limit of a body."""
    parcel_wait_seconds: PositiveFloat = 2
    """How long a bridge waits for something new. So old, at most, is what is known of a region
    that can be reached."""
    call_seconds: PositiveFloat = 20
    """Beyond the wait: a gateway that hasn't answered by then is tried again."""
    pause_seconds: PositiveFloat = 0.1
    """After a failure; twice as long after each further one, up to the limit."""
    pause_limit_seconds: PositiveFloat = 5
    root_lines: PositiveInt = 20_000
    """A root with a longer history is read at its home only."""
    fresh_seconds: NonNegativeFloat = 5
    """How long a read with `fresh` waits for the home region's news."""
    write_delay_seconds: PositiveFloat = 0.05
    """So long what has come waits for more, to be written together. Nobody waits for that."""
    write_aside_seconds: PositiveFloat = 0.25
    """So much longer, at most, it waits while callers wait for another region's verdict."""
    look_again_seconds: PositiveFloat = 1
    """How often a waiting caller looks for news that another gateway has taken."""

    @model_validator(mode="after")
    def _logs_may_be_read(self) -> Self:
        """A topic holds the events of everybody."""
        for name, other in self.others.items():
            if other.log is None:
                continue
            if not self.carry:
                raise ValueError(f"regions.others.{name}.log is read by who carries: set carry")
            if self.organizations:
                raise ValueError(
                    f"regions.others.{name}.log: a topic holds the events of all organizations, "
                    "and regions.organizations binds some to regions: read this region by its url"
                )
        return self

    def may_use(self, organization: str, region: str) -> bool:
        """Whether an organization's data may be there."""
        allowed = self.organizations.get(organization)
        return allowed is None or region in allowed
