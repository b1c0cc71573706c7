"""Encrypted connections, passwords and certificates, against a broker that insists on them."""

import asyncio
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

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
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.streams import connection_to, topics_of
from services.kafka_log.topic import Topic
from services.pulse_worker.app import PulseApp
from tests.brokers import running

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 100
SOON_SECONDS = 30
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


CLIENT_KEY_PASSWORD = "hidden-key"


class Certificates(NamedTuple):
    broker: Path
    """A file with a key and the certificate that signs itself with it, for 127.0.0.1."""
    client: Path
    """Signed by the broker's."""
    client_key: Path
    """Only with a password."""


class Secured(NamedTuple):
    """Where a broker wants TLS and ..."""

    password: str
    certificate: str


def signed(
    name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, ca: bool
) -> bytes:
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("broker"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(alternative, critical=False)
        .sign(by, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def private(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    brokers, ours = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    folder = tmp_path_factory.mktemp("certificates")
    found = Certificates(folder / "broker.pem", folder / "client.pem", folder / "client.key")
    found.broker.write_bytes(private(brokers, None) + signed("broker", brokers, brokers, ca=True))
    found.client.write_bytes(signed("client", ours, brokers, ca=False))
    found.client_key.write_bytes(private(ours, CLIENT_KEY_PASSWORD))
    return found


@pytest.fixture(scope="module")
def certificate(certificates: Certificates) -> Path:
    return certificates.broker


@pytest.fixture(scope="module")
def listening(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Secured]:
    client_port, controller_port, password_port, certificate_port = free_ports(4)
    node = Node(1, client_port, controller_port)
    addresses = Secured(f"127.0.0.1:{password_port}", f"127.0.0.1:{certificate_port}")
    listeners = (
        f"PLAINTEXT://{node.address},SASL_SSL://{addresses.password},SSL://{addresses.certificate}"
    )
    settings = {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.broker),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.broker),
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{PLAIN} required user_us="secret";',
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": f"{SCRAM} required;",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
    }
    # Each is known by one mechanism only: with another one it wouldn't be let in.
    users = [
        "SCRAM-SHA-256=[name=us-256,password=secret]",
        "SCRAM-SHA-512=[name=us-512,password=secret]",
    ]
    folder = tmp_path_factory.mktemp("kafka")
    with running(KafkaBroker(folder, settings, node, for_long=False, scram_users=users)):
        yield addresses


@pytest.fixture(scope="module")
def secured(listening: Secured) -> str:
    """The address where the broker wants TLS and a password."""
    return listening.password


def a_topic() -> Topic:
    return Topic(f"history-{uuid.uuid4().hex}", partitions=1)


def with_password(certificates: Certificates, **more: Any) -> dict[str, Any]:
    return {"tls": True, "tls_ca_file": certificates.broker, "password": "secret", **more}


def with_certificate(certificates: Certificates, **more: Any) -> dict[str, Any]:
    return {
        "tls": True,
        "tls_ca_file": certificates.broker,
        "tls_certificate_file": certificates.client,
        "tls_key_file": certificates.client_key,
        "tls_key_password": CLIENT_KEY_PASSWORD,
        **more,
    }


def settings_of(given: Mapping[str, Any]) -> BrokerSettings:
    return BrokerSettings(topic_prefix=f"test-{uuid.uuid4().hex}", partitions=1, **given)


@pytest.mark.parametrize(
    "who",
    [
        {"username": "us", "sasl_mechanism": "PLAIN"},
        {"username": "us-256", "sasl_mechanism": "SCRAM-SHA-256"},
        # What is meant when no mechanism is set.
        {"username": "us-512"},
    ],
    ids=["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
)
async def test_a_log_behind_tls_and_a_password_works(
    secured: str, certificates: Certificates, who: Mapping[str, str]
) -> None:
    await check_that_a_log_works(secured, settings_of(with_password(certificates, **who)))


async def test_brokers_know_us_by_a_certificate(
    listening: Secured, certificates: Certificates
) -> None:
    await check_that_a_log_works(listening.certificate, settings_of(with_certificate(certificates)))


async def check_that_a_log_works(address: str, settings: BrokerSettings) -> None:
    log = await open_kafka_log(connection_to(address, settings), topics_of(settings)[0])
    await log.append([Message("a", b"value")])
    assert [record.value for record in await log.read(BEGINNING, 10)] == [b"value"]
    await log.close()


async def test_without_a_certificate_that_is_wanted_the_setting_is_named(
    listening: Secured, certificates: Certificates
) -> None:
    settings = settings_of({"tls": True, "tls_ca_file": certificates.broker})
    connection = connection_to(listening.certificate, settings)
    with pytest.raises(LogUnavailable, match="COUNTERMAND_BROKER__TLS_CERTIFICATE_FILE"):
        await open_kafka_log(connection, topics_of(settings)[0], Limits(start_seconds=1))


@pytest.mark.parametrize("password", ["wrong", None])
async def test_a_key_that_the_password_does_not_open_is_named(
    listening: Secured, certificates: Certificates, password: str | None
) -> None:
    settings = settings_of(with_certificate(certificates, tls_key_password=password))
    with pytest.raises(LogUnavailable, match=re.escape(str(certificates.client_key))):
        await open_kafka_log(connection_to(listening.certificate, settings), topics_of(settings)[0])


@pytest.mark.parametrize("known_by", ["password", "certificate"])
async def test_the_pulse_is_woken_on_a_secured_broker(
    listening: Secured, certificates: Certificates, tmp_path: Path, known_by: str
) -> None:
    """Faust connects by itself, with credentials of its own form."""
    given = {
        "password": with_password(certificates, username="us-512"),
        "certificate": with_certificate(certificates),
    }
    address, settings = getattr(listening, known_by), settings_of(given[known_by])
    log = await open_kafka_log(connection_to(address, settings), topics_of(settings)[0])
    app = PulseApp(address, settings, "worker", tmp_path)
    woke = asyncio.Event()

    async def tick() -> None:
        if app.partitions:
            await log.append([Message("acme/t", b"said now")])

    app.on(lambda _partition, _offset: woke.set(), tick, 0.5)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await app.start()
            await woke.wait()
        assert not app.failed.done()
    finally:
        await app.stop()
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
