"""Why the brokers can't be reached, in words, which the client keeps to itself.

It asks each named broker once, as the client does. What is known to stay as it is (a refused
password, a certificate that nobody vouches for) raises `Refused`.
"""

import asyncio
import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from services.kafka_log.connection import Connection

REFUSALS = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
CREDENTIALS = (
    "they refuse these credentials: check COUNTERMAND_BROKER__USERNAME, "
    "COUNTERMAND_BROKER__PASSWORD and COUNTERMAND_BROKER__SASL_MECHANISM"
)
CERTIFICATES = (
    "the TLS handshake failed: check COUNTERMAND_BROKER__TLS_CA_FILE, "
    "COUNTERMAND_BROKER__TLS_CERTIFICATE_FILE, and that this address speaks TLS"
)
NO_CERTIFICATE = (
    "if it wants to know its clients by a certificate, set COUNTERMAND_BROKER__TLS_CERTIFICATE_FILE"
)


class Refused(Exception):
    """Trying again is of no use before somebody has changed a setting."""


async def why_unreachable(connection: Connection, timeout_seconds: float) -> str | None:
    """What keeps the last of the named brokers from us; None when one of them answers now."""
    why = "no broker is named: write host:port,host:port"
    for broker in filter(None, connection.bootstrap.split(",")):
        host, _, port = broker.strip().rpartition(":")
        if not host or not port.isdigit():
            raise Refused(f"{broker.strip()!r} is no address of a broker: write host:port")
        trouble = await _trouble(host, int(port), connection, timeout_seconds)
        if trouble is None:
            return None
        why = f"{broker.strip()}: {trouble}"
    return why


async def _trouble(
    host: str, port: int, connection: Connection, timeout_seconds: float
) -> str | None:
    arguments: dict[str, Any] = connection.arguments()
    del arguments["bootstrap_servers"]
    request_timeout_ms = int(timeout_seconds * 1000)
    try:
        async with asyncio.timeout(timeout_seconds):
            found = await create_conn(
                host, port, request_timeout_ms=request_timeout_ms, **arguments
            )
    except ssl.SSLError as error:
        raise Refused(f"{CERTIFICATES} ({error.reason or error})") from error
    except REFUSALS as error:
        raise Refused(f"{CREDENTIALS} ({type(error).__name__})") from error
    except TimeoutError:
        return "it does not answer"
    except (OSError, KafkaError) as error:
        why = str(error) or type(error).__name__
        tls = connection.tls
        if tls is not None and tls.certificate_file is None and isinstance(error, KafkaError):
            # After the handshake, as TLS 1.3 has it; a broker that ends looks the same.
            return f"{why}; {NO_CERTIFICATE}"
        return why
    found.close()
    return None
