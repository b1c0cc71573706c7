"""A bridge shows its certificate to gateways that want one, and believes only their authority."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from services.bridge.http_dock import RegionUnreachable, open_dock
from services.regions.settings import RegionAddress

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"frontier":"0:7"}'


class Certified(NamedTuple):
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates for one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._signed(self._name, self._key.public_key(), authority=True))

    def certify(self, name: str) -> Certified:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = Certified(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.certificate.write_bytes(self._signed(subject, key.public_key(), authority=False))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool
    ) -> bytes:
        now, here = datetime.now(UTC), x509.IPAddress(IPv4Address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([here]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def gateway(mine: Certified, wants: Authority) -> AsyncIterator[str]:
    """Answers whoever has a certificate of that authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(wants.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(mine.certificate, mine.key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def end_of(address: RegionAddress) -> object:
    async with open_dock("a", address, call_seconds=5) as dock:
        return await dock.end()


async def handed_over(address: RegionAddress) -> None:
    """Twice: the gateway has hung up in between."""
    async with open_dock("a", address, call_seconds=5) as dock:
        await dock.take(b"{}")
        await dock.take(b"{}")


async def test_a_bridge_shows_its_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    mine = authority.certify("bridge")

    async with gateway(authority.certify("gateway"), authority) as url:
        address = RegionAddress(
            url=url,
            key=SecretStr("k"),
            authority_file=authority.file,
            certificate_file=mine.certificate,
            certificate_key_file=mine.key,
        )

        assert await end_of(address) == {0: 7}
        await handed_over(address)
        async with open_dock("a", address, call_seconds=5) as dock:
            lines = dock.parcels("b", {}, 1.0)
            # It ends with the answer, which has no whole line.
            assert [line async for line in lines] == []


async def test_without_a_certificate_nothing_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")

    async with gateway(authority.certify("gateway"), authority) as url:
        address = RegionAddress(url=url, key=SecretStr("k"), authority_file=authority.file)

        with pytest.raises(RegionUnreachable):
            await end_of(address)
        with pytest.raises(RegionUnreachable):
            await handed_over(address)


async def test_a_gateway_of_another_authority_is_not_believed(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")

    async with gateway(other.certify("gateway"), authority) as url:
        address = RegionAddress(url=url, key=SecretStr("k"), authority_file=authority.file)

        with pytest.raises(RegionUnreachable, match="can't be reached"):
            await end_of(address)
        with pytest.raises(RegionUnreachable, match="can't be reached"):
            await handed_over(address)
