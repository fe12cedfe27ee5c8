"""The site as it is, which also counts what its sockets ask the database: `tests.faults.counting:application`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.db.backends.signals import connection_created

from config.asgi import application as site

PATH = "/queries"
# True in everything that is done for a socket, on the database's threads too.
_for_a_socket: ContextVar[bool] = ContextVar("for_a_socket", default=False)
_queries = 0


def _count(execute: Any, sql: str, *rest: Any) -> Any:
    global _queries
    _queries += _for_a_socket.get()
    return execute(sql, *rest)


def _listen(connection: Any, **_: Any) -> None:
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)


connection_created.connect(_listen)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == PATH:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(_queries).encode()})
        return
    if scope["type"] == "websocket":
        _for_a_socket.set(True)
    await site(scope, receive, send)
