"""Holds servers that refuse everybody and say aloud who came with what: in HTTP, as Redis, PostgreSQL, or a broker."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HttpParrot(BaseHTTPRequestHandler):
    """Refuses requests and WebSockets alike."""

    heard: list[str]

    def do_GET(self) -> None:
        said = self.headers.get("Authorization") or self.headers.get("X-API-Key") or ""
        self.heard.append(said)
        plain = base64.b64decode(said.removeprefix("Basic ")).decode() if said.startswith("Basic ") else ""
        body = f"{said} {plain} is wrong".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class TcpParrot(socketserver.StreamRequestHandler):
    """Refuses logins in the words of the protocol that the first bytes belong to."""

    heard: list[str]

    def handle(self) -> None:
        said = self.request.recv(65536)
        if said.startswith(b"*"):  # Redis: a command is a list of strings
            self.note(said)
            self.wfile.write(b"-WRONGPASS " + b" ".join(said.split(b"\r\n")) + b"\r\n")
        elif said[:1] == b"\x10":  # MQTT: CONNECT, which is answered by a number
            self.note(said)
            self.wfile.write(b"\x20\x02\x00\x05")
        else:  # PostgreSQL: what it calls by its length asks for the password, in clear
            self.wfile.write(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
            password = self.request.recv(65536)[5:].rstrip(b"\0")
            self.note(password)
            fields = b"SFATAL\0VFATAL\0C28P01\0M" + password + b" is wrong\0\0"
            self.wfile.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    def note(self, said: bytes) -> None:
        self.heard.append(said.decode(errors="replace"))


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def parrots() -> Iterator[tuple[int, int, list[str]]]:
    """Yields the ports of an HTTP parrot and of a TCP parrot, and what they hear."""
    heard: list[str] = []
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("Parrot", (HttpParrot,), {"heard": heard})),
        _TcpServer(("127.0.0.1", 0), type("Parrot", (TcpParrot,), {"heard": heard})),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield servers[0].server_address[1], servers[1].server_address[1], heard
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
