"""Waits until an address answers 200, at most for 30 seconds; the services use it to know when a process takes traffic.

python deploy/wait_until_ready.py http://127.0.0.1:8001/readyz
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request

SECONDS = 30.0


def ready(url: str) -> bool:
    # Whatever proxy the environment names is for the world outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(url: str) -> int:
    deadline = time.monotonic() + SECONDS
    while not ready(url):
        if time.monotonic() > deadline:
            print(f"{url} does not answer 200 after {SECONDS:g} s", file=sys.stderr)
            return 1
        time.sleep(0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
