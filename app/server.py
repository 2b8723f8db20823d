"""The process that serves: uvicorn, told how much a live connection may send, and how it ends."""

import logging
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.live import Lobbies
from app.settings import Settings

STARTUP_FAILURE = 3
SILENT = logging.getLogger("espace.websocket")
SILENT.setLevel(logging.CRITICAL + 1)
LINGER = 15
"""Seconds after which whatever is left of a live connection goes, also where nobody reads what was sent last."""


class Server(uvicorn.Server):
    """Ends live connections before it waits for those that are left."""

    def __init__(self, config: uvicorn.Config, lobbies: Lobbies) -> None:
        super().__init__(config)
        self.lobbies = lobbies

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lobbies.stop()
        await super().shutdown(sockets)


class Protocol(WebSocketsSansIOProtocol):
    """A WebSocket that does not outlive its conversation: a transport waits for a slow reader for ever.

    It logs nothing: the address would be in it with its query string, and what clients send wrongly. What fails here is
    logged by whoever it is told.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = SILENT

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(LINGER, self.transport.abort)


def serve_until_stopped(app: Starlette, settings: Settings) -> None:
    """Serve until a signal ends it."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_timeout.total_seconds()),
        ws=Protocol,
        ws_max_size=settings.requests.body_bytes,
        ws_per_message_deflate=False,
    )
    server = Server(config, app.state.lobbies)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)
