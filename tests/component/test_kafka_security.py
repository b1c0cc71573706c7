"""Encrypted connections and passwords, against a broker that insists on both."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.broker import KafkaBroker
from cluster.broker_properties import Node
from cluster.ports import free_ports
from events.errors import LogUnavailable
from events.log import Message
from events.positions import BEGINNING
from services.kafka_log.connection import Connection, Sasl, Tls
from services.kafka_log.limits import Limits
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.brokers import running

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 100
SOON_SECONDS = 30
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and the certificate that signs itself with it, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "broker.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[str]:
    """The address where the broker wants TLS and a password."""
    client_port, controller_port, secured_port = free_ports(3)
    node = Node(1, client_port, controller_port)
    own, secured = f"PLAINTEXT://{node.address}", f"SASL_SSL://127.0.0.1:{secured_port}"
    settings = {
        "listeners": f"{own},{secured},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"{own},{secured}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate),
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{LOGIN} required user_us="secret";',
    }
    with running(KafkaBroker(tmp_path_factory.mktemp("kafka"), settings, node, for_long=False)):
        yield f"127.0.0.1:{secured_port}"


def a_topic() -> Topic:
    return Topic(f"history-{uuid.uuid4().hex}", partitions=1)


async def test_a_log_behind_tls_and_a_password_works(secured: str, certificate: Path) -> None:
    connection = Connection(
        secured, tls=Tls(ca_file=certificate), sasl=Sasl("us", "secret", "PLAIN")
    )
    log = await open_kafka_log(connection, a_topic())
    await log.append([Message("a", b"value")])
    assert [record.value for record in await log.read(BEGINNING, 10)] == [b"value"]
    await log.close()


async def test_a_wrong_password_is_refused(secured: str, certificate: Path) -> None:
    connection = Connection(
        secured, tls=Tls(ca_file=certificate), sasl=Sasl("us", "wrong", "PLAIN")
    )
    # However patient it is: no time makes a password right.
    async with asyncio.timeout(SOON_SECONDS):
        with pytest.raises(LogUnavailable, match="refuse these credentials"):
            await open_kafka_log(connection, a_topic(), Limits(start_seconds=PATIENCE_SECONDS))


async def test_a_broker_that_nobody_vouches_for_is_refused(secured: str) -> None:
    connection = Connection(secured, tls=Tls(), sasl=Sasl("us", "secret", "PLAIN"))
    async with asyncio.timeout(SOON_SECONDS):
        with pytest.raises(LogUnavailable, match="TLS handshake failed"):
            await open_kafka_log(connection, a_topic(), Limits(start_seconds=PATIENCE_SECONDS))


async def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(LogUnavailable, match="'broker' is no address of a broker"):
        await open_kafka_log(Connection("broker"), a_topic(), Limits(start_seconds=1))


def test_passwords_are_not_shown() -> None:
    connection = Connection("b:1", Tls(key_password="hidden-1"), Sasl("us", "hidden-2"))
    assert "hidden" not in repr(connection)
