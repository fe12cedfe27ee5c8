"""Counts the sockets of a process by person and by address, and says when one is too many. It does no I/O."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

from dashboard.live.session import Allowance

T = TypeVar("T", bound=Hashable)

# What a process on a Unix socket sees: connections without an address, all from this machine.
UNIX = "unix"
# Seconds between two lines in the log about those who were refused; a flood of sockets is no flood of lines.
TELL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Most:
    """How many sockets there may be at once, and handshakes a second; 0 = any number. The numbers are the settings'."""

    per_process: int
    per_address: int
    per_person: int
    waiting_per_address: int
    handshakes_per_second: float
    handshakes_burst: int


class Proxies:
    """The proxies of the site, whose word about a client's address is believed, and nobody else's."""

    def __init__(self, names: Iterable[str]) -> None:
        """Takes addresses and networks (10.0.0.0/8), and `unix`. Raises ValueError for anything else."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self._unix = False
        for name in names:
            if name == UNIX:
                self._unix = True
            else:
                try:
                    self._networks.append(ip_network(name))
                except ValueError as error:
                    raise ValueError(f"TICKWALL_TRUSTED_PROXIES: {error}") from None

    def client(self, peer: str | None, forwarded: str) -> str:
        """Returns the address that counts as one client: `peer`, or whom trusted proxies name in X-Forwarded-For.

        Every proxy adds the address that it sees at the right, so the list is read from there, for as long as the one
        who speaks is trusted: what stands further left was written by a stranger.
        """
        address = _parse(peer or "")
        hops = forwarded.split(",") if forwarded else []
        while hops and self._trusts(address):
            told = _parse(hops.pop())
            if told is None:
                break  # not an address: the proxy that said it stands for its clients
            address = told
        return _key(address)

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        if address is None:
            return self._unix
        return any(address in network for network in self._networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Reads an address, perhaps with a port, as proxies write it: 192.0.2.7:4711, [2001:db8::7]:4711."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _key(address: IPv4Address | IPv6Address | None) -> str:
    if address is None:
        return UNIX
    if isinstance(address, IPv6Address):
        # One household or one server has a whole /64 to itself.
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


class Seat:
    """The place of one socket among the counted. `leave` gives it back."""

    def __init__(self, clients: Clients, address: str) -> None:
        self._clients, self._address = clients, address
        self._person: Hashable | None = None
        self._waits = True
        self._left = False

    def greet(self, person: Hashable | None) -> str | None:
        """Notes that the client has said hello, and who he is (None = nobody); returns why he may not stay, if so."""
        if self._left:
            return None
        if self._waits:
            self._waits = False
            _less(self._clients.waiting, self._address)
        if person is None or self._person is not None:
            return None
        most = self._clients.most.per_person
        if most and self._clients.people[person] >= most:
            return self._clients.refuse("person", f"You have {most} live connections open already")
        self._person = person
        self._clients.people[person] += 1
        return None

    def leave(self) -> None:
        """Gives the place back; a second call does nothing."""
        if self._left:
            return
        self._left = True
        self._clients.open -= 1
        _less(self._clients.addresses, self._address)
        if self._waits:
            _less(self._clients.waiting, self._address)
        if self._person is not None:
            _less(self._clients.people, self._person)


class Clients:
    """Who is connected to this process. Its memory is bounded by the open sockets and a few seconds of handshakes."""

    def __init__(self, most: Most, proxies: Proxies) -> None:
        self.most, self.proxies = most, proxies
        self.open = 0
        self.addresses: Counter[str] = Counter()
        self.people: Counter[Hashable] = Counter()
        # Of the addresses' sockets those without a hello.
        self.waiting: Counter[str] = Counter()
        # Sockets that were refused since the process began, by what they were too many of.
        self.refused: Counter[str] = Counter()
        # Addresses with recent handshakes, the one that came longest ago first.
        self._allowances: OrderedDict[str, Allowance] = OrderedDict()
        self._told: Counter[str] = Counter()
        self._tell_at = 0.0

    def enter(self, address: str, now: float) -> Seat | str:
        """Gives a new socket its place, or says why there is none. Those that are there already are left alone."""
        most = self.most
        if not self._handshake(address, now):
            return self.refuse("handshakes", "Too many new connections from your address at once")
        if most.per_process and self.open >= most.per_process:
            return self.refuse("process", "The server has as many connections as it takes")
        if most.per_address and self.addresses[address] >= most.per_address:
            return self.refuse("address", f"There are {most.per_address} live connections from your address already")
        if most.waiting_per_address and self.waiting[address] >= most.waiting_per_address:
            return self.refuse("waiting", "Too many connections from your address have not said hello")
        self.open += 1
        self.addresses[address] += 1
        self.waiting[address] += 1
        return Seat(self, address)

    def refuse(self, what: str, words: str) -> str:
        self.refused[what] += 1
        return words

    def news(self, now: float) -> str | None:
        """Returns a line for the log when clients were refused since the last one, once a minute at most."""
        fresh = self.refused - self._told
        if not fresh or now < self._tell_at:
            return None
        self._told, self._tell_at = Counter(self.refused), now + TELL_SECONDS
        return "sockets were refused, too many by " + ", ".join(f"{what}: {count}" for what, count in fresh.items())

    def _handshake(self, address: str, now: float) -> bool:
        rate, burst = self.most.handshakes_per_second, max(self.most.handshakes_burst, 1)
        if not rate:
            return True
        # Whoever has been quiet for this long has his whole burst again, as if he had never been here.
        quiet = burst / rate
        while self._allowances and now - next(iter(self._allowances.values())).at > quiet:
            self._allowances.popitem(last=False)
        allowance = self._allowances.setdefault(address, Allowance(rate, burst, burst, now))
        self._allowances.move_to_end(address)
        return allowance.take(now)


def _less(counts: Counter[T], key: T) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
