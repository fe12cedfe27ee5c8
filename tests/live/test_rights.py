"""Who sees what, and how soon he no longer does. Ana owns the dashboards, Ben is signed in, Cy loses his right."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.promise import promised
from tests.support.site import Person, Site, site
from tests.support.viewer import Viewer


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):  # a generator of Site
    with site(tmp_path_factory.mktemp("rights")) as it:
        yield it


def signed_in(it: Site, name: str) -> Person:
    return Person(it.url).sign_in(name, f"{name} likes numbers")


async def sees(it: Site, dashboard: str, **headers: str) -> bool:
    viewer = Viewer(it.url, dashboard=dashboard, headers=headers)
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames or viewer.errors)
    await viewer.close()
    return bool(viewer.data_frames)


async def test_visibility_decides_who_may_subscribe(guarded: Site) -> None:
    ana, ben = signed_in(guarded, "ana").cookie_header, signed_in(guarded, "ben").cookie_header
    for board, cookies, may in [
        ("market", {}, True),
        ("members", {}, False),
        ("secret", {}, False),
        ("members", ben, True),
        ("secret", ben, False),
        ("secret", ana, True),
    ]:
        seen = await sees(guarded, board, **cookies)
        with promised():
            assert seen is may, board


async def test_a_token_opens_the_socket_and_only_as_far_as_its_source(guarded: Site) -> None:
    every = guarded.manage("token", "add", "reader", "--scope", "read").split()
    token = next(word for word in every if word.startswith("tw_"))
    assert await sees(guarded, "secret", Authorization=f"Bearer {token}")
    one = guarded.manage("token", "add", "one", "--scope", "read", "--source", "market").split()
    narrow = next(word for word in one if word.startswith("tw_"))
    series = int(guarded.shell("print(Series.objects.filter(source__slug='secret').first().pk)"))
    for wanted, expected in [(1, True), (series, False)]:
        viewer = Viewer(guarded.url, series=[wanted], headers={"Authorization": f"Bearer {narrow}"})
        await viewer.open()
        await viewer.until(lambda viewer=viewer: viewer.data_frames or viewer.errors)
        with promised():
            assert bool(viewer.data_frames) is expected
        await viewer.close()
    ingest = next(w for w in guarded.manage("token", "add", "in", "--scope", "ingest").split() if w.startswith("tw_"))
    seen = await sees(guarded, "secret", Authorization=f"Bearer {ingest}")
    with promised():
        assert not seen


async def test_a_token_that_is_not_valid_is_not_taken_for_a_stranger(guarded: Site) -> None:
    made = guarded.manage("token", "add", "typo", "--scope", "read").split()
    token = next(word for word in made if word.startswith("tw_"))
    viewer = Viewer(guarded.url, dashboard="market", headers={"Authorization": f"Bearer {token[:-2]}xx"})
    await viewer.open()
    await viewer.until(lambda: viewer.close_code is not None)
    with promised():
        assert not viewer.data_frames
    assert [bye["code"] for bye in viewer.byes] == [viewer.close_code] == [4500]


async def test_logging_out_ends_the_socket(guarded: Site) -> None:
    ben = signed_in(guarded, "ben")
    viewer = Viewer(guarded.url, dashboard="members", headers=ben.cookie_header)
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames)
    began = time.monotonic()
    ben.post("/accounts/logout/", {})
    await viewer.until(lambda: viewer.close_code is not None, 3)
    assert time.monotonic() - began <= 2.5
    with promised():
        assert viewer.close_code == viewer.byes[0]["code"] == 4500
        assert viewer.byes[0]["resume"] is False


async def test_a_dashboard_made_private_ends_the_sockets_of_those_who_may_no_longer_see_it(guarded: Site) -> None:
    ana, ben = signed_in(guarded, "ana"), signed_in(guarded, "ben")
    viewers = {
        name: Viewer(guarded.url, dashboard="members", headers=person.cookie_header)
        for name, person in [("ana", ana), ("ben", ben)]
    }
    for viewer in viewers.values():
        await viewer.open()
        await viewer.until(lambda viewer=viewer: viewer.data_frames)
    board = int(guarded.shell("print(Dashboard.objects.get(slug='members').pk)"))
    path = f"/admin/dashboard/dashboard/{board}/change/"
    ana.post(path, {**ana.form_values(path), "visibility": "private"})
    await viewers["ben"].until(lambda: viewers["ben"].close_code is not None, 3)
    with promised():
        assert viewers["ben"].close_code == 4503
    frames = viewers["ana"].data_frames
    await viewers["ana"].until(lambda: viewers["ana"].data_frames > frames)
    viewers["ana"].assert_right()
    await viewers["ana"].close()


async def test_a_disabled_user_is_gone(tmp_path: Path) -> None:
    with site(tmp_path, TICKWALL_RECHECK_SECONDS="1") as it:
        viewer = Viewer(it.url, dashboard="members", headers=signed_in(it, "ben").cookie_header)
        await viewer.open()
        await viewer.until(lambda: viewer.data_frames)
        # From another process, whose message does not reach the in-memory layer: the recheck finds it.
        it.shell("from django.contrib.auth.models import User; User.objects.filter(username='ben').update(is_active=0)")
        await viewer.until(lambda: viewer.close_code is not None, 4)
        with promised():
            assert viewer.close_code == 4500


def test_the_api_asks_the_same_question(guarded: Site) -> None:
    session = guarded.get("/api/v1/session")[0]
    slugs = {source["slug"] for source in json.loads(guarded.get("/api/v1/sources")[1])}
    ticks = [guarded.get(f"/api/v1/sources/{slug}/ticks")[0] for slug in ("secret", "nothing")]
    with promised():
        assert session == 401
        assert slugs == {"market", "host"}
        assert ticks == [404, 404]
    assert signed_in(guarded, "ana").get("/api/v1/sources/secret/ticks")[0] == 200
