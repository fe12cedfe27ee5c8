"""What is in deploy/ works as it lies there: the real nginx with that file in front of two Daphnes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.proxy import SITE_FILE, ask, echo, proxy
from tests.support.rig import PER_ADDRESS, Rig, assert_complete, come_back, running, viewers
from tests.support.site import Person
from tests.support.viewer import Viewer


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, full: bool) -> Iterator[Rig]:
    """In the short form hearts beat five times as often: see F41."""
    with running(tmp_path_factory.mktemp("deploy"), **({} if full else {"TICKWALL_HEARTBEAT_SECONDS": "2"})) as it:
        yield it


def test_the_file_is_the_one_that_is_shipped(rig: Rig) -> None:
    text, places = rig.proxy.site(), rig.proxy.places
    for old, new in reversed(places.items()):
        text = text.replace(new, old)
    assert text == SITE_FILE.read_text(), "put back the ports, folders and certificate, and nothing else is different"
    assert all(old.startswith(("127.0.0.1:80", "/srv/", "/etc/", "listen ")) for old in places)


async def test_viewers_get_ticks_from_both_processes(rig: Rig) -> None:
    async with viewers(rig, 8) as found:
        assert min(rig.sockets()) >= 4, "they are shared out evenly"
        for viewer in found:
            await viewer.until(lambda viewer=viewer: viewer.data_frames > 10)
            await assert_complete(rig, viewer)


def test_plain_http_is_sent_to_https(rig: Rig) -> None:
    answer = ask(f"http://127.0.0.1:{rig.proxy.plain_port}/d/market/?kiosk=1")
    assert (answer.status, answer.headers["location"]) == (301, "https://127.0.0.1/d/market/?kiosk=1")


def test_pages_speak_http_2_and_are_compressed(rig: Rig) -> None:
    context = rig.proxy.certificate.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", rig.proxy.port)) as line,
        context.wrap_socket(line, server_hostname="127.0.0.1") as tls,
    ):
        assert (tls.selected_alpn_protocol(), tls.version()) == ("h2", "TLSv1.3")
    answer = ask(rig.proxy.url + "/", rig.trust, Accept_Encoding="gzip")
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert "max-age=31536000" in answer.headers["strict-transport-security"], "the site knows that it is on https"
    assert "daphne" not in answer.headers["server"].lower()


async def test_origins_are_told_apart_behind_the_proxy(rig: Rig) -> None:
    plain = rig.proxy.url.replace("https", "http")
    for origin in (plain, "https://evil.example", "https://127.0.0.1", "null"):
        with pytest.raises(InvalidStatus) as refused:
            await rig.viewer(origin=origin).open()
        assert refused.value.response.status_code == 403, origin
    liar = Viewer(rig.site.url, origin=rig.site.url.replace("http", "https"), dashboard="market")
    with pytest.raises(InvalidStatus):
        await liar.open()  # https, but nobody said so
    async with viewers(rig, 1):
        pass


def test_signing_in_works_and_cookies_are_for_https_alone(rig: Rig) -> None:
    person = Person(rig.proxy.url, rig.trust).sign_in("ana", "ana likes numbers")
    assert all(cookie.secure for cookie in person.cookies)
    assert person.get("/admin/")[0] == 200


@pytest.mark.parametrize("header", ["Daphne-Root-Path", "X-Forwarded-Host", "X-Forwarded-Proto"])
def test_headers_that_would_steer_the_site_have_no_effect(rig: Rig, header: str) -> None:
    """The redirect to the login form names the path below which the site thinks it lives."""
    for base, trust in ((rig.proxy.url, rig.trust), (rig.site.url, None)):
        honest = ask(base + "/admin/", trust)
        steered = ask(base + "/admin/", trust, **{header: "/evil"})
        assert (steered.status, steered.headers["location"]) == (honest.status, "/admin/login/?next=/admin/")


def test_what_a_client_says_of_himself_does_not_reach_the_processes(tmp_path: Path) -> None:
    with echo() as port, proxy(tmp_path / "nginx", (port, port), tmp_path) as front:
        lies = {"Daphne_Root_Path": "/evil", "X_Forwarded_For": "9.9.9.9", "X_Forwarded_Proto": "http"}
        more = {"X_Forwarded_Host": "evil.example", "Forwarded": "for=9.9.9.9", "Tickwall_Another": "no"}
        answer = ask(front.url + "/", front.certificate.trust(), None, **lies, **more)
        heard = json.loads(answer.body)
        assert not {"daphne-root-path", "x-forwarded-host", "forwarded"} & heard.keys()
        assert heard["x-forwarded-for"] == ["127.0.0.1"]
        assert heard["x-forwarded-proto"] == ["https"]
        assert heard["tickwall-another"] == ["yes"]
        assert heard["host"] == [f"127.0.0.1:{front.port}"]


async def test_viewers_are_counted_by_their_own_address(rig: Rig) -> None:
    """All come through the same proxy; two addresses of this machine stand for two people."""
    lie = {"X-Forwarded-For": "9.9.9.9"}
    crowd = [rig.viewer(local="127.0.0.2", headers=lie) for _ in range(2 * PER_ADDRESS)]
    one_more, stranger = rig.viewer(local="127.0.0.2"), rig.viewer(local="127.0.0.3", headers=lie)
    for viewer in (*crowd, one_more, stranger):
        await viewer.open()
        await viewer.until(lambda viewer=viewer: viewer.data_frames or viewer.close_code)
    assert one_more.close_code == one_more.byes[0]["code"] == 4029
    assert all(viewer.close_code is None for viewer in (*crowd, stranger))
    for viewer in (*crowd, stranger, one_more):
        await viewer.close()


def test_a_body_over_the_limit_is_refused(rig: Rig) -> None:
    url = rig.proxy.url
    assert ask(url + "/api/v1/ingest/market", rig.trust, b"x" * (256 * 1024 + 1)).status == 413
    assert ask(url + "/api/v1/ingest/market", rig.trust, b"x" * (256 * 1024)).status != 413
    assert ask(url + "/accounts/login/", rig.trust, b"x" * (1024 * 1024 + 1)).status == 413


def test_static_files_may_be_kept_for_ever(rig: Rig) -> None:
    manifest = json.loads((rig.proxy.var / "static" / "staticfiles.json").read_text())["paths"]
    by_kind: dict[str, str] = {}
    for name, hashed in manifest.items():
        by_kind.setdefault(name.rpartition(".")[2], hashed)
    types = {"css": "text/css", "js": "application/javascript", "mjs": "text/javascript", "svg": "image/svg+xml"}
    for kind, expected in types.items():
        answer = ask(f"{rig.proxy.url}/static/{by_kind[kind]}", rig.trust, Accept_Encoding="gzip")
        assert (answer.status, answer.headers["content-type"]) == (200, expected)
        assert answer.headers["cache-control"] == "max-age=31536000, public, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "daphne" not in answer.headers["server"].lower()
    plain = next(name for name in manifest if name.endswith(".js"))
    assert ask(f"{rig.proxy.url}/static/{plain}", rig.trust).headers["cache-control"] == "no-cache"
    for outside in ("staticfiles/../../site.sqlite3", "%2e%2e/site.sqlite3", "..%2fsite.sqlite3"):
        assert ask(f"{rig.proxy.url}/static/{outside}", rig.trust).status in (400, 404)


async def test_f41_a_reload_under_load_loses_nothing(rig: Rig) -> None:
    """Fails when who comes back is served from the head instead of from where he was."""
    async with viewers(rig, 10) as found:
        await asyncio.to_thread(rig.proxy.reload)
        for viewer in found:  # the old processes of nginx let go of them
            await viewer.until(lambda viewer=viewer: viewer.close_code is not None)
            assert viewer.byes == []
            await come_back(viewer)
        for viewer in found:
            await viewer.until(lambda viewer=viewer: len(viewer.subd) == 2 and viewer.data_frames > 10)
            assert viewer.subd[-1]["sources"][0]["recovered"] is True
            await assert_complete(rig, viewer)


async def test_f41_nobody_is_cut_off_for_being_quiet(rig: Rig, full: bool) -> None:
    """Viewers who do not look hear heartbeats alone, for longer than nginx waits: a minute, and it waits for 40 s.

    In the short form both are a fifth of that. Fails when nginx is less patient than hearts beat (its own 60 s would
    do, 1 s does not), and when a hidden page gets no heartbeats.
    """
    async with quick_proxy(rig, None if full else 8), viewers(rig, 4) as found:
        for viewer in found:
            await viewer.send({"t": "set", "id": viewer.request(), "visible": False})
        await asyncio.sleep(1)
        data = [viewer.data_frames for viewer in found]
        beats = [viewer.counts["hb"] for viewer in found]
        await asyncio.sleep(65 if full else 13)
        for viewer, frames, before in zip(found, data, beats, strict=True):
            assert (viewer.close_code, viewer.byes, viewer.data_frames) == (None, [], frames)
            assert viewer.counts["hb"] - before >= 5
            await viewer.send({"t": "set", "id": viewer.request(), "visible": True})
            await viewer.until(lambda viewer=viewer, frames=frames: viewer.data_frames > frames + 10)
            await assert_complete(rig, viewer)


@asynccontextmanager
async def quick_proxy(rig: Rig, seconds: int | None) -> AsyncIterator[None]:
    """Has nginx wait no longer than so many seconds for either end of a socket, where a number is given."""
    if seconds is None:
        yield
        return
    file = rig.proxy.folder / "site.conf"
    shipped = file.read_text()
    assert shipped.count(" 40s;") == 2, "what is read and what is sent"
    file.write_text(shipped.replace(" 40s;", f" {seconds}s;"))
    try:
        await asyncio.to_thread(rig.proxy.reload_and_wait)
        yield
    finally:
        file.write_text(shipped)
        await asyncio.to_thread(rig.proxy.reload_and_wait)


async def test_a_killed_process_hands_its_viewers_to_the_other(rig: Rig) -> None:
    async with viewers(rig, 10) as found:
        rig.second.kill()
        await asyncio.to_thread(rig.second.wait)
        try:
            await asyncio.sleep(0.5)
            lost = [viewer for viewer in found if viewer.close_code is not None]
            assert 3 <= len(lost) <= 7
            began = time.monotonic()
            for viewer in lost:
                await come_back(viewer)
                await viewer.until(lambda viewer=viewer: len(viewer.subd) == 2)
                assert viewer.subd[-1]["sources"][0]["recovered"] is True
            assert time.monotonic() - began < 5
            for viewer in found:
                await viewer.until(lambda viewer=viewer: viewer.data_frames > 20)
                await assert_complete(rig, viewer)
            assert ask(rig.proxy.url + "/", rig.trust).status == 200
        finally:
            rig.start_second()
    async with viewers(rig, 8):
        assert min(rig.sockets()) >= 4, "a process that is back is taken for full at once"


async def test_a_process_that_stops_takes_no_new_viewers(rig: Rig) -> None:
    """Viewers who come back at once would find it the emptiest of the two; it passes them on instead."""
    async with viewers(rig, 10) as found:
        rig.second.send_signal(signal.SIGTERM)
        try:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                for viewer in found:
                    if viewer.close_code is not None:
                        await viewer.open()
                await asyncio.sleep(0.005)
            assert await asyncio.to_thread(rig.second.wait, 15) == 0
            sent_away = [viewer for viewer in found if viewer.byes]
            assert 3 <= len(sent_away) <= 7
            for viewer in sent_away:
                assert [bye["code"] for bye in viewer.byes] == [4001], "sent away once, not from one into the next"
                await viewer.until(lambda viewer=viewer: len(viewer.subd) == 2)
                assert viewer.subd[-1]["sources"][0]["recovered"] is True
            for viewer in found:
                await viewer.until(lambda viewer=viewer: viewer.data_frames > 20)
                await assert_complete(rig, viewer)
        finally:
            if rig.second.poll() is None:
                rig.second.kill()
            rig.start_second()
