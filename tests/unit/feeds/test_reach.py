from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from dashboard.feeds import reach
from dashboard.feeds.base import FeedError
from dashboard.feeds.reach import Forbidden

PUBLIC = "93.184.216.34"
# Names and what they mean, one answer after the other; the last one stays.
ZONE: dict[str, list[list[str]]] = {
    "public.example": [[PUBLIC]],
    "inside.example": [["10.0.0.5"]],
    "loop.example": [["127.0.0.1"]],
    "loop6.example": [["::1"]],
    "metadata.example": [["169.254.169.254"]],
    "mixed.example": [[PUBLIC, "127.0.0.1"]],
    "mixed6.example": [[PUBLIC, "::ffff:127.0.0.1"]],
    "rebind.example": [[PUBLIC], ["127.0.0.1"]],
}

# Hosts that mean this machine, its neighbours, a cloud's credentials or nobody. Those in brackets are IPv6.
HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0x7f.1",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "localhost",
    "LOCALHOST",
    "127.0.0.1.",
    "127。0。0。1",
    "127\uff0e0\uff0e0\uff0e1",
    "①②⑦.⓪.⓪.①",
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]",
    "[2001:0:808:808::80ff:fffe]",
    "[2a00:1450:4001:800:0:5efe:127.0.0.1]",
    "[2a00:1450:4001:800:200:5efe:10.0.0.1]",
    "10.0.0.5",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "3232235777",
    "0xc0.0xa8.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "169.254.169.254",
    "169.254.43518",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[fd00:ec2::254]",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fe80::1]",
    "[fe80::a9fe:a9fe%251]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "[100::1]",
    "inside.example",
    "loop.example",
    "loop6.example",
    "metadata.example",
    "mixed.example",
    "mixed6.example",
]
# What is not even looked up.
URLS = [
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/",
    "ftp://public.example/",
    "dict://127.0.0.1:{port}/x",
    "jar:http://127.0.0.1:{port}!/",
    "unix:///run/redis.sock",
    "data:application/json,1",
    "javascript:1",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "",
    "http://",
    "http:///path",
    "http://:{port}/",
    "http://user:password@public.example/",
    "http://public.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@public.example/",
    "http://@public.example/",
    "http://public.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\.public.example/",
    "http://public.example/\r\nHost: x",
    "http://public .example/",
    " http://public.example/",
    "http://public.example\t/",
    "http://[::1/",
    "http://public.example:0/",
    "http://public.example:65536/",
    "http://public.example:x/",
]


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    reach.allow([])
    yield
    reach.allow([])


class World:
    """Holds a listener on this machine, names with answers of our own, and what was looked up and connected to."""

    def __init__(self) -> None:
        self.accepted = 0
        self.looked_up: list[str] = []
        self.connections: list[str] = []
        self.port = 0
        self.answers = {name: list(answers) for name, answers in ZONE.items()}

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in self.answers:
            self.looked_up.append(host)
            answers = self.answers[host]
            found = answers.pop(0) if len(answers) > 1 else answers[0]
            return [entry for address in found for entry in _getaddrinfo(address, port, type=socket.SOCK_STREAM)]
        return _getaddrinfo(host, port, *args, **kwargs)


_getaddrinfo = socket.getaddrinfo


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World()

    def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.accepted += 1
        writer.close()

    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def noted(sock: socket.socket, address: Any) -> None:
        made.connections.append(address[0])
        if address[0] == PUBLIC:
            raise ConnectionRefusedError(111, "Connection refused")
        await connect(sock, address)

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    server6 = await asyncio.start_server(heard, "::1", made.port)
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", noted)
    async with server, server6:
        yield made


def bare(host: str) -> str:
    return host.strip("[]").replace("%25", "%")


async def by_socket(world: World, host: str) -> None:
    (await reach.connect(bare(host), world.port, 5)).close()


async def by_http(world: World, host: str) -> None:
    async with aiohttp.ClientSession(connector=reach.connector()) as session:
        await session.get(f"http://{host}:{world.port}/")


async def by_websocket(world: World, host: str) -> None:
    async with aiohttp.ClientSession(connector=reach.connector()) as session:
        await session.ws_connect(f"ws://{host}:{world.port}/")


def test_the_list_is_long_enough() -> None:
    assert len(HOSTS) + len(URLS) >= 60


@pytest.mark.parametrize("way", [by_socket, by_http, by_websocket])
async def test_no_spelling_of_a_forbidden_address_leads_there(world: World, way: Any) -> None:
    for host in HOSTS:
        with pytest.raises((FeedError, aiohttp.InvalidURL)):
            await way(world, host)
    assert (world.connections, world.accepted) == ([], 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_the_listener_hears_what_is_allowed(world: World, host: str) -> None:
    reach.allow(["127.0.0.0/8", "::1"])
    await by_socket(world, host)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await by_http(world, host)
    assert set(world.connections) == {bare(host)}
    assert world.accepted == len(world.connections) >= 2


def test_no_url_of_another_kind_or_with_a_login_is_taken() -> None:
    for text in URLS:
        with pytest.raises(Forbidden) as caught:
            reach.target(text.format(port=8000), "http", "https")
        assert "password" not in str(caught.value)


def test_a_url_says_where_it_leads() -> None:
    assert reach.target("HTTPS://Plant.example/a?b#c") == reach.Target("https", "plant.example", 443)
    assert reach.target("redis://[::1]:6380/0", "redis", "rediss").port == 6380
    assert reach.target("wss://plant.example").secure
    assert not reach.target("mqtt://plant.example").secure


async def test_a_name_is_looked_up_once_and_gone_to_where_it_was_then(world: World) -> None:
    with pytest.raises(FeedError, match=r"“rebind\.example”, port \d+, cannot be reached: Connection refused"):
        await by_socket(world, "rebind.example")
    assert world.looked_up == ["rebind.example"]
    with pytest.raises(Forbidden):
        await by_socket(world, "rebind.example")
    assert (world.connections, world.accepted) == ([PUBLIC], 0)


async def test_a_name_is_judged_again_at_each_connection_of_http(world: World) -> None:
    async with aiohttp.ClientSession(connector=reach.connector()) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://rebind.example:{world.port}/")
        with pytest.raises(Forbidden):
            await session.get(f"http://rebind.example:{world.port}/")
    assert world.looked_up == ["rebind.example"] * 2
    assert (world.connections, world.accepted) == ([PUBLIC], 0)


async def test_a_redirect_leads_to_no_forbidden_address(world: World) -> None:
    reach.allow(["127.0.0.1"])

    async def away(request: web.BaseRequest) -> web.Response:
        raise web.HTTPFound(f"http://[::1]:{world.port}/")

    runner = web.ServerRunner(web.Server(away))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(connector=reach.connector()) as session:
            with pytest.raises(Forbidden):
                await session.get(f"http://127.0.0.1:{port}/")
    finally:
        await runner.cleanup()
    assert world.accepted == 0


@pytest.mark.parametrize(
    ("network", "good", "bad"),
    [
        ("10.0.0.0/8", ["10.0.0.5", "::ffff:10.0.0.5"], ["192.168.1.1", "127.0.0.1"]),
        ("0.0.0.0/0", ["127.0.0.1", "100.64.0.1", "169.254.1.1"], ["169.254.169.254", "0.0.0.0", "224.0.0.1", "::1"]),
        ("::/0", ["::1", "fd00::1", "fe80::1%1"], ["fd00:ec2::254", "::", "ff02::1", "::ffff:10.0.0.5"]),
        ("100.64.0.0/10", ["100.64.0.1"], ["100.100.100.200"]),
    ],
)
def test_the_operator_allows_networks_and_never_metadata(network: str, good: list[str], bad: list[str]) -> None:
    reach.allow([network])
    for address in good:
        reach.check(address)
    for address in bad:
        with pytest.raises(Forbidden):
            reach.check(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::1"])
def test_public_addresses_are_reached(address: str) -> None:
    reach.check(address)


def test_the_text_says_how_to_allow_it_and_not_what_the_name_means() -> None:
    with pytest.raises(Forbidden) as caught:
        reach.check("10.0.0.5", "scada.example")
    assert str(caught.value) == (
        "“scada.example” is a local or private address, which sources may not reach. "
        "Whoever runs this site can allow its network in TICKWALL_SOURCE_ALLOW_PRIVATE"
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".example", "", "é" * 300])
async def test_a_host_that_is_not_known_is_told(host: str) -> None:
    with pytest.raises(FeedError):
        await reach.addresses(host, 80)


async def test_a_lookup_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()
    monkeypatch.setattr(reach, "LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", lambda *args: released.wait())
    with pytest.raises(FeedError, match=r"“slow\.example” could not be looked up within"):
        await reach.addresses("slow.example", 80)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="plant"):
        reach.allow(["plant.example"])
