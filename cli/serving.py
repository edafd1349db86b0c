"""`marcado serve`: the service in this process, on a given address, until it is told to end."""

import socket
from collections.abc import Callable

import uvicorn

from cli.settings import Settings
from cli.wiring import make_service
from clients.calendar import CredentialsFileError
from meetings.business import BusinessFileError, load_business
from meetings.database import DatabaseError


class StartError(Exception):
    """The service can't start; the message says why."""


class PortTakenError(Exception):
    """Another program listens there. `args[0]` is the port."""


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


class _Server(uvicorn.Server):
    """Says where it listens once it does; the port may have been chosen by the system."""

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._say(f"http://{host}:{port}")


def serve_forever(settings: Settings, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises:
        StartError: The business file, the credentials or the database can't be used, or the start failed.
        PortTakenError: Another program listens there.
    """
    try:
        business = load_business(settings.BUSINESS_FILE, settings.GOOGLE_CALENDAR_ID)
        service = make_service(settings, business)
        service.db.check()
        service.db.migrate()
    except (BusinessFileError, CredentialsFileError, DatabaseError) as error:
        raise StartError(str(error)) from None
    # No access log: it would print the token that stands in the webhook's URL.
    config = uvicorn.Config(
        service.app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,  # our own handlers, see cli/logs.py: uvicorn's print errors in full
        log_level="warning",
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=20,
    )
    server = _Server(config, started)
    if port and _is_taken(host, port):
        raise PortTakenError(port)
    try:
        server.run()
    except SystemExit:
        raise StartError(f"{host}:{port}: the start failed, see above") from None
