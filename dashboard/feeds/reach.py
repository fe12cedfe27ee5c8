"""Decides where a source may reach, and connects to nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import AfterValidator

from dashboard.feeds.base import FeedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# What a URL may begin with, and the port that it then means.
PORTS: Mapping[str, int] = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "mqtt": 1883,
    "mqtts": 8883,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
}
SECURE = frozenset({"https", "wss", "mqtts", "rediss"})
# Seconds to look a name up. A lookup blocks its thread: names that hang must not keep all other work waiting.
LOOKUP_SECONDS = 5.0
_lookups = ThreadPoolExecutor(8, thread_name_prefix="lookup")

# Where clouds keep the credentials of their machines. No network of the operator's makes these good.
_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # nearly all
            "169.254.170.2",  # AWS, containers
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "168.63.129.16",  # Azure
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "169.254.0.23",  # Tencent
            "169.254.42.42",  # Scaleway
            "fd00:42::42",
        ),
    )
)
# Nobody, everybody, or kept for later; and NAT64 of one's own, which may lead to any of the above.
_NEVER = tuple(map(ip_network, ("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8", "64:ff9b:1::/48")))
_UNICAST = IPv6Network("2000::/3")
# Networks of IPv6 whose addresses stand for one of IPv4, and how many bits follow it.
_EMBEDDING: Mapping[Network, int] = {
    ip_network("::ffff:0:0/96"): 0,
    ip_network("::ffff:0:0:0/96"): 0,
    ip_network("64:ff9b::/96"): 0,
    ip_network("::/96"): 0,
    ip_network("2002::/16"): 80,
}
_TEREDO = IPv6Network("2001::/32")
# The upper half of the interface identifier in an address of ISATAP.
_ISATAP = (0x00005EFE, 0x02005EFE)

_allowed: tuple[Network, ...] = ()


class Forbidden(FeedError):
    """A source may not reach that. The text names what was asked for, never what a name turned out to mean."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL leads to."""

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        return self.scheme in SECURE

    @property
    def origin(self) -> tuple[str, str, int]:
        """Credentials for one origin are not for another."""
        return self.scheme, self.host, self.port


def allow(networks: Iterable[str]) -> None:
    """Sets the private networks that sources may reach, or raises ValueError. Each call replaces the last."""
    global _allowed
    _allowed = tuple(map(ip_network, networks))


def target(url: str, *schemes: str) -> Target:
    """Returns what a URL leads to, or raises Forbidden: for another scheme, or for a login inside."""
    if any(character.isspace() or character == "\\" or not character.isprintable() for character in url):
        raise Forbidden("A URL has no blanks, backslashes or control characters.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Forbidden("This is not a URL.") from None
    if parts.scheme not in (schemes or PORTS):
        raise Forbidden(f"A URL that begins with {' or '.join(f'{name}://' for name in schemes or PORTS)} is needed.")
    if "@" in parts.netloc:
        raise Forbidden("A login has no place in the URL; there are fields of its own.")
    if not host or port == 0:
        raise Forbidden("The URL names no host." if not host else "There is no port 0.")
    return Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port)


def url(*schemes: str) -> AfterValidator:
    """Returns what makes a `str` field of a config a URL with one of these schemes."""

    def validated(text: str) -> str:
        try:
            target(text, *schemes)
        except Forbidden as error:
            raise ValueError(str(error)) from None
        return text

    return AfterValidator(validated)


def check(address: str, name: str = "") -> None:
    """Raises Forbidden for an address that sources may not reach; `name` is what people know it by."""
    name = name or address
    for meant in _meant(_parsed(address)):
        if meant in _METADATA or any(meant in network for network in _NEVER):
            raise Forbidden(f"no source may reach “{_short(name)}”")
        if not _is_public(meant) and not any(meant in network for network in _allowed):
            raise Forbidden(
                f"“{_short(name)}” is a local or private address, which sources may not reach. Whoever runs this site "
                "can allow its network in TICKWALL_SOURCE_ALLOW_PRIVATE"
            )


async def addresses(host: str, port: int) -> list[str]:
    """Looks a host up once and returns its addresses, for connecting to these and not to the name again.

    Raises Forbidden when a source may not reach one of them, FeedError when there are none.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await loop.run_in_executor(_lookups, _look_up, host, port)
    except TimeoutError:
        raise FeedError(f"“{_short(host)}” could not be looked up within {LOOKUP_SECONDS:g} s") from None
    except (OSError, UnicodeError):
        raise FeedError(f"“{_short(host)}” is not known: no address was found for it") from None
    for address in found:
        check(address, host)
    return found


async def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Returns a non-blocking socket, connected within so many seconds to a host that sources may reach.

    It raises as `addresses` does, and FeedError when none of them answers.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    found = await addresses(host, port)
    why = ""
    for place, address in enumerate(found):
        try:
            # Each gets its share: one address that hangs leaves time for the others.
            async with asyncio.timeout((until - loop.time()) / (len(found) - place)):
                return await _connected(address, port)
        except TimeoutError:
            why = "it does not answer"
        except OSError as error:
            why = reason(error)
    raise FeedError(f"“{_short(host)}”, port {port}, cannot be reached: {why}")


def reason(error: OSError) -> str:
    """Returns why a connection failed, in the system's words: asyncio's own name the address behind a name."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else "the connection was cut"


def bad_certificate(host: str, error: Exception) -> FeedError:
    """Returns why a server is not believed; `error` is that of the ssl module."""
    why = getattr(error, "verify_message", "") or "it cannot be verified"
    return FeedError(f"the certificate of “{_short(host)}” is not good: {why}")


def connector(**options: Any) -> aiohttp.TCPConnector:
    """Returns a connector of aiohttp that goes nowhere else, whatever a URL or a redirect says.

    Every new connection looks its name up again and goes to what was checked. Options are those of TCPConnector.
    """
    return aiohttp.TCPConnector(
        resolver=_Resolver(), use_dns_cache=False, socket_factory=_socket, ttl_dns_cache=None, **options
    )


class _Resolver(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in await addresses(host, port)
        ]

    async def close(self) -> None:
        pass


def _socket(info: tuple[Any, ...]) -> socket.socket:
    """Makes the socket for one address. An address that stands in a URL comes here without having been looked up."""
    family, kind, protocol, _, address = info
    check(str(address[0]))
    return socket.socket(family, kind, protocol)


async def _connected(address: str, port: int) -> socket.socket:
    [(family, kind, protocol, _, place), *_] = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, place)
    except BaseException:
        made.close()
        raise
    return made


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _parsed(address: str) -> Address:
    try:
        # Without the zone: it says by which interface to go, not whereto.
        return ip_address(address.partition("%")[0])
    except ValueError:
        raise Forbidden(f"“{_short(address)}” is not an address.") from None


def _meant(address: Address) -> tuple[Address, ...]:
    """Returns what an address leads to: itself, or what is embedded in it."""
    if isinstance(address, IPv4Address) or int(address) <= 1:
        return (address,)
    number = int(address)
    for network, behind in _EMBEDDING.items():
        if address in network:
            return (_v4(number >> behind),)
    if address in _TEREDO:
        return (_v4(number >> 64), _v4(~number))
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return (address, _v4(number))
    return (address,)


def _v4(number: int) -> IPv4Address:
    return IPv4Address(number & 0xFFFFFFFF)


def _is_public(address: Address) -> bool:
    return address.is_global and (address.version == 4 or address in _UNICAST)


def _short(name: str) -> str:
    return name if len(name) <= 80 else name[:79] + "…"
