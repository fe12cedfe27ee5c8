"""What an operator saves in the admin is what runs, within two seconds and without a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.support.site import Person, Site, site
from tests.support.viewer import Viewer


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Person]]:
    # The reconcile that would make up for a lost message is far away, so that it is the message which is tested.
    with site(tmp_path_factory.mktemp("admin"), TICKWALL_RECONCILE_SECONDS="60") as it:
        yield it, Person(it.url).sign_in("ana", "ana likes numbers")


def save(it: Site, ana: Person, slug: str, **changes: str) -> str:
    """Changes a source through its form in the admin and returns the page that came back."""
    number = int(it.shell(f"print(DataSource.objects.get(slug='{slug}').pk)"))
    path = f"/admin/dashboard/datasource/{number}/change/"
    values = {**ana.form_values(path), **changes}
    return ana.post(path, {name: value for name, value in values.items() if value is not None})[1]


async def test_disabling_and_enabling_a_source_is_seen_within_two_seconds(operated: tuple[Site, Person]) -> None:
    it, ana = operated
    viewer = Viewer(it.url, dashboard="market")
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames > 3)
    for action, state in [("disable", "stopped"), ("enable", "live")]:
        form = {"action": action, "_selected_action": ["1"]}
        began = time.monotonic()
        status, page = ana.post("/admin/dashboard/datasource/", form)
        assert status == 200, page
        await viewer.until(lambda state=state: viewer.states.get(1, [{}])[-1].get("state") == state, 3)
        assert time.monotonic() - began <= 2.5
    frames = viewer.data_frames
    await viewer.until(lambda: viewer.data_frames > frames + 5)
    (books,) = viewer.books.values()
    viewer.assert_right()
    assert books.gaps == [], "a restart of the feed is no loss: the seqs go on"
    await viewer.close()


async def test_a_changed_config_takes_effect_on_the_running_feed(operated: tuple[Site, Person]) -> None:
    it, ana = operated
    before = it.read_log("market").head
    await asyncio.sleep(2)
    slow = (it.read_log("market").head - before) / 2
    page = save(it, ana, "market", **{"config.rate": "40"})
    assert "errornote" not in page
    await asyncio.sleep(2)
    before = it.read_log("market").head
    await asyncio.sleep(2)
    fast = (it.read_log("market").head - before) / 2
    assert fast > slow * 2.5


def test_a_bad_config_is_refused_on_its_field(operated: tuple[Site, Person]) -> None:
    it, ana = operated
    for field, typed in [("rate", "100000"), ("rate", "soon"), ("symbols.json", "{")]:
        page = save(it, ana, "market", **{f"config.{field}": typed})
        name = field.partition(".")[0]
        assert '<p class="errornote">' in page.partition(f'id="config-errors-{name}">')[2][:60], (field, typed)
    assert it.shell("print(DataSource.objects.get(slug='market').config['rate'])").strip() == "40"


async def test_an_edited_panel_reaches_open_viewers(operated: tuple[Site, Person]) -> None:
    it, ana = operated
    viewer = Viewer(it.url, dashboard="market", window=5)
    await viewer.open()
    await viewer.until(lambda: viewer.data_frames > 3)
    it.shell("pass")
    number = int(it.shell("print(Panel.objects.get(dashboard__slug='market').pk)"))
    path = f"/admin/dashboard/panel/{number}/change/"
    values = ana.form_values(path)
    host = int(it.shell("print(Series.objects.filter(source__slug='host').first().pk)"))
    total = int(values["panelseries_set-TOTAL_FORMS"])
    empty = next(place for place in range(total) if not values.get(f"panelseries_set-{place}-series"))
    values |= {f"panelseries_set-{empty}-series": str(host), f"panelseries_set-{empty}-position": "99"}
    _, page = ana.post(path, values)
    assert "errornote" not in page
    await viewer.until(lambda: viewer.counts["ev"] >= 1, 3)
    await viewer.until(lambda: host in viewer.meta, 3)
    source = viewer.meta[host][1]
    await viewer.until(lambda: viewer.books[source].snaps == 1 and viewer.books[source].published > 0, 5)
    viewer.assert_right()
    await viewer.close()


async def test_a_kind_that_the_code_does_not_know_is_said_and_hurts_nobody(operated: tuple[Site, Person]) -> None:
    it, ana = operated
    it.shell("DataSource.objects.create(name='Old', slug='old', kind='telepathy', config={'x': 1}, enabled=False)")
    number = int(it.shell("print(DataSource.objects.get(slug='old').pk)"))
    status, page = ana.get(f"/admin/dashboard/datasource/{number}/change/")
    assert status == 200
    assert "telepathy" in page
    ana.post("/admin/dashboard/datasource/", {"action": "enable", "_selected_action": [str(number)]})
    end = time.monotonic() + 5
    while "telepathy" not in it.shell("print([s.message for s in SourceStatus.objects.filter(source__slug='old')])"):
        assert time.monotonic() < end, "the state must say that the kind is not known"
    assert it.shell("print(SourceStatus.objects.get(source__slug='old').state)").strip() == "down"
    before = it.read_log("market").head
    await asyncio.sleep(0.5)
    assert it.read_log("market").head > before
