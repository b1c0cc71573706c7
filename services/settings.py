"""Everything that can be set, with its unit in its name, and a default that works on a laptop.

Read from `COUNTERMAND_...` environment variables (`COUNTERMAND_GATEWAY__PORT=9000`) and, below
those, from a TOML file. Owns names, defaults and bounds; must not know who uses them.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from services.executor.settings import ExecutorSettings
from services.gateway.dialects.settings import DialectSettings, regions_named
from services.kafka_log.settings import BrokerSettings
from services.permissions import ROLES, Permission
from services.pulse.settings import PulseSettings
from services.regions.settings import RegionSettings
from services.setting_names import check_variables
from services.telemetry.settings import TelemetrySettings
from services.unreadable_settings import explained
from services.watchdog import WatchdogSettings
from services.webhooks.settings import WebhookSettings

Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Signatures by a private key only: with a shared secret whoever can check could also forge."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JwtSettings(Section):
    """Bearer tokens of somebody else's making. Without a key source they are refused."""

    jwks_url: str | None = None
    keys_file: Path | None = None
    """A JWKS document, or one public key in PEM."""
    issuer: str | None = None
    audience: str | None = None
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")
    organization_claim: str = "organization"
    roles_claim: str = "roles"
    leeway_seconds: Seconds = 10
    lifetime_limit_seconds: Seconds = 24 * 3600
    jwks_age_limit_seconds: Seconds = 600
    jwks_refetch_pause_seconds: Seconds = 10
    """An unknown key id asks the URL again, but no more often than this."""
    jwks_timeout_seconds: PositiveFloat = 5


class GatewaySettings(Section):
    """The HTTP side."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8700
    body_limit_bytes: PositiveInt = 10_000_000
    batch_limit_tasks: PositiveInt = 1_000
    page_limit_items: PositiveInt = 500
    page_default_items: PositiveInt = 50
    wait_default_seconds: Seconds = 5
    """How long a cancel's answer waits for the stop when the caller doesn't say."""
    wait_limit_seconds: Seconds = 60
    append_wait_seconds: PositiveFloat = 10
    """How long a request waits for the log to take it. Beyond it the answer is 503: unknown."""
    verdict_wait_seconds: PositiveFloat = 5
    """Beyond it the answer is 202, `verdict: undecided`."""
    read_wait_seconds: PositiveFloat = 2
    """How long a read waits for what its caller has already been told."""
    hold_limit_seconds: PositiveFloat = 30 * 86_400
    key_age_limit_seconds: Seconds = 0.5
    """How old the knowledge about an API key may be."""
    keys_kept: PositiveInt = 10_000
    reads_per_second: PositiveFloat = 20_000
    writes_per_second: PositiveFloat = 10_000
    """Per principal and gateway; a batch counts as one."""
    burst_seconds: PositiveFloat = 2
    principals_counted: PositiveInt = 10_000
    denials_audited_per_minute: PositiveInt = 30
    """Per principal; refused cancels beyond it are refused all the same, only not audited."""
    waiters_limit: PositiveInt = 10_000
    streams_per_principal: PositiveInt = 100
    stream_buffer_entries: PositiveInt = 1_000
    stream_heartbeat_seconds: PositiveFloat = 15
    stream_send_seconds: PositiveFloat = 10
    """A reader that doesn't take a frame for so long is dropped."""
    idempotency_keep_seconds: PositiveFloat = 7 * 86_400
    idempotency_keys_per_organization: PositiveInt = 100_000
    idempotency_answer_limit_bytes: PositiveInt = 1_000_000
    keep_alive_seconds: PositiveInt = 65
    connections_limit: PositiveInt = 5_000
    documents_kept: PositiveInt = 10_000
    """Answers to GET of one task, kept until the task changes."""
    operating_organizations: frozenset[str] = frozenset({"default"})
    """Whose operators may steer what all organizations share: executors."""
    lag_limit_entries: PositiveInt = 10_000
    """Read models further behind the log than this: not ready."""


class BulkSettings(Section):
    """Cancels of many tasks by one order."""

    tasks_limit: PositiveInt = 100_000
    """The highest cap that a preview may ask for."""
    tasks_default: PositiveInt = 10_000
    sample_tasks: PositiveInt = 10
    preview_seconds: PositiveFloat = 900
    """How long a preview's token may be used."""
    previews_per_organization: PositiveInt = 100
    jobs_per_organization: PositiveInt = 10
    """Under way at the same time."""
    jobs_at_once: PositiveInt = 4
    """Of all organizations; the others wait for their turn."""
    keep_seconds: PositiveFloat = 30 * 86_400
    """How long a job is remembered after its end. Its cancels are in the history for ever."""
    per_second_default: PositiveFloat = 5_000
    per_second_limit: PositiveFloat = 20_000
    batch_tasks: PositiveInt = 500
    """After so many tasks the job's progress is noted."""
    step_tasks: PositiveInt = 32
    """Requested in one append; fewer while others cancel single tasks."""


class HealthSettings(Section):
    """Where services without an HTTP side of their own say how they are."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """None: nowhere; 0: a free one."""
    connections_limit: PositiveInt = 100


def postgres_url(text: str) -> str:
    """As SQLAlchemy takes it, with the driver that is installed."""
    scheme, found, rest = text.partition("://")
    if not found or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError("write postgresql://user:password@host:port/database")
    return f"postgresql+psycopg://{rest}"


class Settings(BaseSettings):
    """All sections."""

    model_config = SettingsConfigDict(
        env_prefix="COUNTERMAND_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data: Path = Path("countermand-data")
    region: str = "local"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    shutdown_grace_seconds: Seconds = 10
    control_store_url: str | None = None
    """Of SQLAlchemy; without one, `postgres`, and without that SQLite in the data folder."""
    secret_fields: dict[str, frozenset[str]] = {}
    """By kind of task: fields of payloads that are secret, besides what the handlers of this
    process declare."""
    kafka: str | None = None
    """Brokers, as host:port,host:port, for services that run alone."""
    postgres: SecretStr | None = None
    """postgresql://user:password@host:port/database, for services that run alone."""
    silence_limit_seconds: Annotated[float, Field(ge=3, le=86_400)] = 10
    """What a process holds in PostgreSQL (a projector its partitions, a gateway its turn) others
    take when it has said nothing for so long, e.g. as it was stopped."""
    roles: dict[str, frozenset[Permission]] = ROLES
    gateway: GatewaySettings = GatewaySettings()
    executor: ExecutorSettings = ExecutorSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    pulse: PulseSettings = PulseSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    bulk: BulkSettings = BulkSettings()
    webhooks: WebhookSettings = WebhookSettings()
    jwt: JwtSettings = JwtSettings()
    dialects: DialectSettings = DialectSettings()
    broker: BrokerSettings = BrokerSettings()
    health: HealthSettings = HealthSettings()
    regions: RegionSettings = RegionSettings()

    @property
    def control_store(self) -> str | None:
        """Where the control store is; None: in the data folder."""
        if self.control_store_url is not None or self.postgres is None:
            return self.control_store_url
        return postgres_url(self.postgres.get_secret_value())

    @model_validator(mode="after")
    def _dialects_stay_here(self) -> Self:
        """What another region decides has no answer in a dialect's words."""
        for where, region in regions_named(self.dialects):
            if region in self.regions.others and region != self.region:
                raise ValueError(
                    f"{where}: {region!r} is in regions.others and decides about its own tasks: "
                    "point this dialect's clients at that region's gateways"
                )
        return self

    @field_validator("postgres")
    @classmethod
    def _is_postgres(cls, postgres: SecretStr | None) -> SecretStr | None:
        if postgres is not None:
            postgres_url(postgres.get_secret_value())
        return postgres

    @field_validator("roles")
    @classmethod
    def _keeps_the_shipped_roles(
        cls, roles: dict[str, frozenset[Permission]]
    ) -> dict[str, frozenset[Permission]]:
        """The shipped roles stay unless they are named anew."""
        return {**ROLES, **roles}


def read_settings(toml_file: Path | None = None, **overrides: Any) -> Settings:
    """The settings of this process; arguments win over the environment, that over the file.

    Raises `UnreadableSettings`, and pydantic's `ValidationError` for what was read.
    """

    class Here(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, toml_file)
            return init_settings, env_settings, toml

    with explained(toml_file):
        check_variables(Settings)
        return Here(**overrides)
