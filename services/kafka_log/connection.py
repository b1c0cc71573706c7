"""Where the brokers are, and how they know us."""

from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal

from aiokafka.helpers import create_ssl_context

from events.errors import LogUnavailable


@dataclass(frozen=True, slots=True)
class Tls:
    """Encrypted connections. With a certificate of our own the brokers know us by it."""

    ca_file: Path | None = None
    """Who signed the brokers' certificates; by default whoever this machine trusts."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sasl:
    """A name and a password. PLAIN shows the password to the broker, so use it with TLS only."""

    username: str
    password: str = field(repr=False)
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Connection:
    """`bootstrap` names a few brokers, as `host:port,host:port`; they know the others."""

    bootstrap: str
    tls: Tls | None = None
    sasl: Sasl | None = None
    client_id: str = "countermand"
    """How we are called in the brokers' logs and quotas."""

    def arguments(self) -> dict[str, Any]:
        """For any client of aiokafka."""
        protocol = "SSL" if self.tls else "PLAINTEXT"
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "security_protocol": f"SASL_{protocol}" if self.sasl else protocol,
        }
        if self.tls:
            arguments["ssl_context"] = _context_of(self.tls)
        if self.sasl:
            arguments |= {
                "sasl_mechanism": self.sasl.mechanism,
                "sasl_plain_username": self.sasl.username,
                "sasl_plain_password": self.sasl.password,
            }
        return arguments


def _context_of(tls: Tls) -> SSLContext:
    try:
        context: SSLContext = create_ssl_context(
            cafile=tls.ca_file,
            certfile=tls.certificate_file,
            keyfile=tls.key_file,
            # Were it None, a key with a password would ask for it at the terminal.
            password=tls.key_password or "",
        )
        return context
    except OSError as reason:
        files = [tls.ca_file, tls.certificate_file, tls.key_file]
        named = ", ".join(str(each) for each in files if each is not None)
        raise LogUnavailable(
            f"the TLS files can't be used: {named} ({reason}): check "
            "COUNTERMAND_BROKER__TLS_CA_FILE, COUNTERMAND_BROKER__TLS_CERTIFICATE_FILE, "
            "COUNTERMAND_BROKER__TLS_KEY_FILE and COUNTERMAND_BROKER__TLS_KEY_PASSWORD"
        ) from reason
