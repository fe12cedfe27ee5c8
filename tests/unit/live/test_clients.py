"""Sockets are counted by person and address, those that are there stay, and nobody chooses the address he counts as."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.live.clients import TELL_SECONDS, UNIX, Clients, Most, Proxies, Seat

ANY = Most(0, 0, 0, 0, 0.0, 0)


def clients(**most: float) -> Clients:
    return Clients(replace(ANY, **most), Proxies(()))  # type: ignore[arg-type]


def seat(it: Clients, address: str = "a", now: float = 0.0) -> Seat:
    taken = it.enter(address, now)
    assert isinstance(taken, Seat), taken
    return taken


def test_one_too_many_of_an_address_is_refused_and_others_are_not() -> None:
    it = clients(per_address=2)
    first, _ = seat(it), seat(it)
    assert it.enter("a", 0) == "There are 2 live connections from your address already"
    seat(it, "b")
    first.leave()
    seat(it)
    assert (it.open, dict(it.addresses), it.refused["address"]) == (3, {"a": 2, "b": 1}, 1)


def test_one_too_many_of_the_process_is_refused() -> None:
    it = clients(per_process=2)
    first, _ = seat(it, "a"), seat(it, "b")
    assert it.enter("c", 0) == "The server has as many connections as it takes"
    first.leave()
    seat(it, "c")


def test_one_too_many_of_a_person_is_refused_when_he_says_who_he_is() -> None:
    it = clients(per_person=2)
    seats = [seat(it, str(number)) for number in range(4)]
    assert [one.greet(7) for one in seats] == [None, None] + 2 * ["You have 2 live connections open already"]
    assert seat(it).greet(8) is None
    seats[3].leave()
    assert it.people[7] == 2, "one who was refused does not give back what he never had"
    seats[0].leave()
    assert seat(it).greet(7) is None


def test_those_who_are_nobody_are_counted_by_address_only() -> None:
    it = clients(per_person=1)
    assert [seat(it).greet(None) for _ in range(5)] == 5 * [None]
    assert not it.people


def test_those_who_have_not_said_hello_are_bounded() -> None:
    it = clients(waiting_per_address=2)
    first, second = seat(it), seat(it)
    assert it.enter("a", 0) == "Too many connections from your address have not said hello"
    first.greet(None)
    second.leave()
    assert not it.waiting
    seat(it), seat(it)
    assert isinstance(it.enter("a", 0), str)


def test_handshakes_have_a_rate_and_a_burst() -> None:
    it = clients(handshakes_per_second=10.0, handshakes_burst=30)
    taken = [it.enter("a", 0.0) for _ in range(35)]
    assert [isinstance(one, Seat) for one in taken] == 30 * [True] + 5 * [False]
    assert isinstance(it.enter("b", 0.0), Seat)
    assert [isinstance(it.enter("a", 0.25), Seat) for _ in range(4)] == [True, True, False, False]
    assert all(isinstance(it.enter("a", 10.0), Seat) for _ in range(30)), "after a pause the burst is whole again"


def test_addresses_that_have_gone_are_forgotten() -> None:
    it = clients(handshakes_per_second=10.0, handshakes_burst=30)
    for number in range(10_000):
        seat(it, str(number), number / 1000).leave()
    assert len(it._allowances) <= 3001, "three seconds of them"
    assert (it.open, it.addresses, it.waiting, it.people) == (0, {}, {}, {})


def test_a_seat_is_given_back_once() -> None:
    it = clients(per_address=5)
    one = seat(it)
    one.greet(7)
    one.leave()
    one.leave()
    assert one.greet(7) is None
    assert (it.open, dict(it.addresses), dict(it.people), dict(it.waiting)) == (0, {}, {}, {})


def test_zero_is_any_number() -> None:
    it = clients()
    assert all(seat(it).greet(7) is None for _ in range(500))


def test_the_log_is_told_once_a_minute() -> None:
    it = clients(per_address=1)
    seat(it)
    assert it.news(0.0) is None
    it.enter("a", 0.0)
    assert it.news(0.0) == "sockets were refused, too many by address: 1"
    it.enter("a", 1.0), it.enter("a", 1.0)
    assert it.news(1.0) is None
    assert it.news(TELL_SECONDS) == "sockets were refused, too many by address: 2"
    assert it.news(9 * TELL_SECONDS) is None


actions = st.lists(st.tuples(st.sampled_from(("enter", "greet", "leave")), st.integers(0, 9), st.sampled_from("abc")))


@given(actions, st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
def test_counts_are_those_of_the_open_sockets(
    steps: list[tuple[str, int, str]], process: int, address: int, person: int, waiting: int
) -> None:
    it = clients(per_process=process, per_address=address, per_person=person, waiting_per_address=waiting)
    held: list[Seat] = []
    for what, number, name in steps:
        if what == "enter":
            taken = it.enter(name, 0.0)
            held += [taken] if isinstance(taken, Seat) else []
        elif held:
            one = held[number % len(held)]
            if what == "greet":
                one.greet(name)
            else:
                one.leave()
                held.remove(one)
        assert it.open == len(held) == sum(it.addresses.values())
        for limit, counts in ((address, it.addresses), (person, it.people), (waiting, it.waiting)):
            assert not limit or max(counts.values(), default=0) <= limit
            assert min(counts.values(), default=1) >= 1
        assert not process or it.open <= process
    for one in held:
        one.leave()
    assert (it.open, it.addresses, it.waiting, it.people) == (0, {}, {}, {})


# --- whose address it is ---

PROXIES = Proxies(["127.0.0.1/32", "10.0.0.0/8", "2001:db8:1::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # a stranger says what he likes
        ("127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "203.0.113.1, 198.51.100.9", "198.51.100.9"),  # the left one he wrote himself
        ("127.0.0.1", "203.0.113.1, 198.51.100.9, 10.1.2.3", "198.51.100.9"),  # two proxies
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),  # from inside
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9, rubbish", "127.0.0.1"),
        ("127.0.0.1", "unix:", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9:4711", "198.51.100.9"),
        ("::ffff:127.0.0.1", "::ffff:198.51.100.9", "198.51.100.9"),
        ("2001:db8:1::7", "[2001:db8:2:3:4:5:6:7]:4711", "2001:db8:2:3::/64"),
        ("2001:db8:2:3::1", "", "2001:db8:2:3::/64"),
        (None, "198.51.100.9", UNIX),
    ],
)
def test_the_client_is_read_from_the_right(peer: str | None, forwarded: str, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


def test_a_proxy_on_a_unix_socket_is_believed_when_that_is_said() -> None:
    assert Proxies([UNIX]).client(None, "198.51.100.9") == "198.51.100.9"


def test_without_proxies_nobody_is_believed() -> None:
    assert Proxies(()).client("127.0.0.1", "198.51.100.9") == "127.0.0.1"


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.1/8", "*", ""])
def test_what_is_no_network_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="TICKWALL_TRUSTED_PROXIES"):
        Proxies([name])


@given(st.text(alphabet="0123456789abcdef.:,[]% x\u0664", max_size=80))
def test_no_header_is_an_error(forwarded: str) -> None:
    assert PROXIES.client("127.0.0.1", forwarded)
