"""Counts failed logins by user name and address, and says how long somebody has to wait. It does no I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

# Seconds for which a failure counts, and for which those with too many wait after their last one.
PAIR_SECONDS = 15 * 60.0
ADDRESS_SECONDS = 60 * 60.0
# Pairs, and addresses, that are remembered. Each one costs whoever would have others forgotten a failure of his own.
MOST = 10_000
# No user has a longer name, but anybody may send one.
NAME_CHARACTERS = 150


class Failures:
    """The failures of many keys. One with `limit` of them within `seconds` waits as long again; 0 = any number."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        # When each key failed, the key that failed longest ago first.
        self._times: OrderedDict[Hashable, list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def wait(self, key: Hashable, now: float) -> float:
        """Returns the seconds until the key may try again; 0 = at once."""
        times = self._recent(key, now)
        return times[-1] + self.seconds - now if self._too_many(times) else 0.0

    def add(self, key: Hashable, now: float) -> None:
        if not self.limit:
            return
        while self._times and now - next(iter(self._times.values()))[-1] >= self.seconds:
            self._times.popitem(last=False)
        times = self._recent(key, now)
        self._times[key] = [*times, now]
        self._times.move_to_end(key)
        if len(self._times) > MOST:
            self._times.popitem(last=False)

    def take_back(self, key: Hashable, at: float) -> None:
        times = self._times.get(key, [])
        if at in times:
            times.remove(at)
        if not times:
            self.clear(key)

    def clear(self, key: Hashable) -> None:
        self._times.pop(key, None)

    def filled_by(self, key: Hashable, at: float) -> bool:
        """Tells whether the failure of that moment is the one from which on the key waits."""
        times = self._times.get(key, [])
        return self._too_many(times) and times[-1] == at

    def _recent(self, key: Hashable, now: float) -> list[float]:
        times = self._times.get(key, [])
        if self._too_many(times):
            # All of them count until the wait is over, and none afterwards.
            return times if now - times[-1] < self.seconds else []
        return [at for at in times if now - at < self.seconds]

    def _too_many(self, times: list[float]) -> bool:
        return 0 < self.limit <= len(times)


class Attempt:
    """One try to log in, whose end is told by one of the methods."""

    def __init__(self, attempts: Attempts, name: str, address: str, at: float) -> None:
        self._attempts, self._name, self._address, self._at = attempts, name, address, at

    def failed(self) -> list[str]:
        """Returns lines for the log: none, unless it was the failure from which on somebody waits."""
        attempts, lines = self._attempts, []
        with attempts.lock:
            # A name is shown as Python writes it: nobody adds a line of his own to the log.
            for failures, key, who in (
                (attempts.pairs, (self._name, self._address), f"of {self._name!r} from {self._address}"),
                (attempts.addresses, self._address, f"from {self._address}"),
            ):
                if failures.filled_by(key, self._at):
                    lines.append(
                        f"logins {who} are refused for {minutes(failures.seconds)}, after {failures.limit} failures"
                    )
        return lines

    def succeeded(self) -> None:
        """Forgets the failures of the pair. Those of the address stay: one user of it says nothing about the others."""
        with self._attempts.lock:
            self._attempts.pairs.clear((self._name, self._address))
            self._attempts.addresses.take_back(self._address, self._at)

    def undone(self) -> None:
        """Takes it back: nobody has looked at the password."""
        with self._attempts.lock:
            self._attempts.pairs.take_back((self._name, self._address), self._at)
            self._attempts.addresses.take_back(self._address, self._at)


class Attempts:
    """Who has failed to log in at this process. A name is counted for each address alone, so that nobody can lock
    another one out, and whether there is such a user makes no difference."""

    def __init__(self, per_user: int, per_address: int) -> None:
        self.pairs = Failures(per_user, PAIR_SECONDS)
        self.addresses = Failures(per_address, ADDRESS_SECONDS)
        # Requests are answered on threads.
        self.lock = Lock()

    def begin(self, name: str, address: str, now: float) -> Attempt | float:
        """Lets somebody try, or returns the seconds that he has to wait.

        A try counts as failed until it has ended otherwise: of a hundred at once no more are let through than of a
        hundred in a row. One that is refused counts for nothing.
        """
        name = name[:NAME_CHARACTERS]
        with self.lock:
            wait = max(self.pairs.wait((name, address), now), self.addresses.wait(address, now))
            if wait:
                return wait
            self.pairs.add((name, address), now)
            self.addresses.add(address, now)
        return Attempt(self, name, address, now)


def minutes(seconds: float) -> str:
    count = max(1, -int(-seconds // 60))
    return f"{count} minute{'s' if count > 1 else ''}"
