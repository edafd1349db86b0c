"""Credentials go to the configured server alone: no redirect is followed, no certificate is taken on trust."""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients.calendar import CalendarClient
from clients.errors import ServiceError
from clients.kommo import KommoClient
from clients.speech import SpeechClient
from clients.transport import RetryPolicy
from clients.whatsapp import WhatsAppClient

pytestmark = pytest.mark.anyio
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def serving(target: str | None, certificate: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server that redirects everything to `target`, or says {}; its address and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            self.send_response(302 if target else 200)
            if target:
                self.send_header("location", target + self.path)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PATCH = answer  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def kommo(url: str) -> None:
    client = KommoClient(url, "secret", retry=ONCE)
    try:
        await client.account()
    finally:
        await client.close()


async def whatsapp(url: str) -> None:
    client = WhatsAppClient(url, "secret", "marcado", retry=ONCE)
    try:
        await client.get_webhook()
    finally:
        await client.close()


async def calendar(url: str) -> None:
    client = CalendarClient(None, url, retry=ONCE)
    try:
        await client.check_readable("ana@example.com")
    finally:
        await client.close()


async def speech(url: str) -> None:
    client = SpeechClient(f"{url}/v1", "secret", "model", 10, retry=ONCE)
    try:
        await client.transcribe(b"sound", "audio/ogg", None)
    finally:
        await client.close()


CLIENTS: list[Any] = [kommo, whatsapp, calendar, speech]


@pytest.mark.parametrize("call", CLIENTS)
async def test_a_redirect_is_not_followed(call: Callable[[str], Any]) -> None:
    with serving(None) as (elsewhere, stolen), serving(elsewhere) as (url, asked):
        with pytest.raises(ServiceError):
            await call(url)
        assert len(asked) == 1
        assert stolen == []


@pytest.mark.parametrize("call", CLIENTS)
async def test_a_certificate_nobody_vouches_for_is_refused(call: Callable[[str], Any], tmp_path: Path) -> None:
    with serving(None, self_signed(tmp_path)) as (url, asked):
        with pytest.raises(ServiceError):
            await call(url)
        assert asked == []


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
