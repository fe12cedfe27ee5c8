"""Tests that the ring is a plain list of ticks of which the oldest are let go, only smaller."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.timeseries import ring as ring_module
from dashboard.timeseries.ring import Last, Ring
from dashboard.timeseries.tick import LOST, Ticks

Row = tuple[int, int, float | str, float | None]


@dataclass
class Model:
    """What the ring has to equal: every tick since the epoch began, with the time of its arrival."""

    epoch: str
    base: int = 0
    rows: list[Row] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)

    @property
    def head(self) -> int:
        return self.base + len(self.rows)

    def at(self, a: int, b: int) -> list[Row]:
        return self.rows[a - self.base - 1 : b - self.base]

    def lasts(self) -> dict[int, Last]:
        return {
            series: Last(seq, time, value, volume)
            for seq, (series, time, value, volume) in enumerate(self.rows, self.base + 1)
            if series != LOST
        }


def ticks_of(rows: list[Row]) -> Ticks:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return Ticks.of(*columns)


def rows_of(ticks: Ticks) -> list[Row]:
    found: list[Row] = []
    columns = (ticks.series.tolist(), ticks.times.tolist(), ticks.values.tolist(), ticks.volumes.tolist())
    for row, (series, time, value, volume) in enumerate(zip(*columns, strict=True)):
        assert (value != value) == (row in ticks.texts)
        found.append((series, time, ticks.texts.get(row, value), None if volume != volume else volume))
    assert set(ticks.texts) <= set(range(len(ticks)))
    return found


def draw_rows(count: int, seed: int) -> list[Row]:
    dice = np.random.default_rng(seed)
    rows: list[Row] = []
    for _ in range(count):
        series = int(dice.integers(1, 6))
        value: float | str = f"text {dice.integers(9)} \u26a0" if series == 5 else float(dice.integers(-99, 99)) / 4
        rows.append(
            (series, int(dice.integers(0, 2**50)), value, None if dice.random() < 0.5 else float(dice.integers(5)))
        )
    return rows


operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 45), st.integers(0, 2**16)),
        st.tuples(st.just("append"), st.integers(0, 3), st.integers(0, 2**16)),
        st.tuples(st.just("lose"), st.integers(1, 12), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 90, 110, 1000, 9_000, 19_000, 20_000, 21_000]), st.just(0)),
        st.tuples(st.just("trim"), st.just(0), st.just(0)),
        st.tuples(st.just("reset"), st.sampled_from([0, 0, 7, 1000]), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(operations, st.sampled_from([1, 7, 8, 50, 10_000]), st.data())
def test_whatever_is_done_to_it_the_ring_equals_the_list(
    steps: list[tuple[str, int, int]], most: int, data: st.DataObject
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring_module, "BLOCK", 8)
        ring, model, now = Ring("e0", ticks=most, seconds=20), Model("e0"), 1_000_000
        views: list[tuple[Ticks, list[Row]]] = []
        for number, (step, amount, seed) in enumerate(steps):
            oldest = ring.oldest
            if step == "append":
                rows = draw_rows(amount, seed)
                ring.append(ticks_of(rows), now)
                model.rows += rows
                model.arrived += [now] * len(rows)
            elif step == "lose":
                ring.lose(amount, "source", 1, 2, now)
                model.rows += [(LOST, now, 0.0, None)] * amount
                model.arrived += [now] * amount
            elif step == "wait":
                now += amount
            elif step == "trim":
                ring.trim(now)
            else:
                model = Model(f"e{number}", amount)
                ring.reset(model.epoch, amount)
                oldest = ring.oldest
            assert_equal(ring, model, most)
            assert ring.oldest >= oldest, "what was let go came back"
            if step in ("append", "lose", "trim"):
                assert_trimmed(ring, model, most, now)
            if len(ring):
                a = data.draw(st.integers(ring.oldest, ring.head))
                b = data.draw(st.integers(a - 1, ring.head))
                wanted = [row if row[0] != LOST else None for row in model.at(a, b)]
                part = ring.slice(a, b)
                assert len(part) == b - a + 1
                assert [row if row[0] != LOST else None for row in loose(part)] == wanted
                if LOST not in part.series:
                    views.append((part, model.at(a, b)))
            for view, wanted_rows in views:
                assert rows_of(view) == wanted_rows, "an old view has changed"


def loose(ticks: Ticks) -> list[Row]:
    """As `rows_of`, for ticks among which are lost ones."""
    kept = ticks.where(ticks.series != LOST)
    rows = iter(rows_of(kept))
    return [next(rows) if series != LOST else (LOST, 0, 0.0, None) for series in ticks.series.tolist()]


def assert_equal(ring: Ring, model: Model, most: int) -> None:
    assert (ring.epoch, ring.head) == (model.epoch, model.head)
    assert len(ring) == ring.head - ring.oldest + 1 >= 0
    assert dict(ring.last) == model.lasts()
    texts = {
        seq: row[2]
        for seq, row in enumerate(model.rows, model.base + 1)
        if isinstance(row[2], str) and seq >= ring.oldest
    }
    assert ring._texts == texts
    assert ring._text_bytes == sum(map(ring_module._weight, texts.values()))
    # Blocks hold what is kept, and less than one block more at the old end.
    assert sum(block.length for block in ring._blocks) < len(ring) + 8
    assert len(ring._arrivals) <= 200


def assert_trimmed(ring: Ring, model: Model, most: int, now: int) -> None:
    assert len(ring) <= most
    kept = model.arrived[ring.oldest - model.base - 1 :]
    gone = model.arrived[: ring.oldest - model.base - 1]
    # Nothing is kept that is older than the time and a little; nothing is let go that is younger, and fits.
    assert all(now - arrived <= 20_000 + 2 * 112 for arrived in kept)
    assert len(ring) == most or all(now - arrived > 20_000 for arrived in gone if arrived)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9)), max_size=60), st.integers(0, 12_000))
def test_everything_before_since_arrived_before(steps: list[tuple[int, int]], back: int) -> None:
    ring, arrived, now = Ring("e", ticks=200, seconds=18), [0], 50_000
    for pause, count in steps:
        now += pause
        ring.append(ticks_of(draw_rows(count, 1)), now)
        arrived += [now] * count
    asked = now - back
    found = ring.since(asked)
    assert ring.oldest <= found <= ring.head + 1
    assert all(moment < asked for moment in arrived[ring.oldest : found])
    # And it is not much too early: what it lets in needlessly arrived within a step of the time kept (100 ms).
    assert all(moment >= asked - 400 - 100 for moment in arrived[found + 10 :])


def test_ranges_outside_the_window_are_refused() -> None:
    ring = Ring("e", ticks=5, seconds=900)
    ring.append(ticks_of(draw_rows(8, 1)), 0)
    assert (ring.oldest, ring.head) == (4, 8)
    assert len(ring.slice(9, 8)) == len(ring.slice(4, 3)) == 0
    for a, b in [(3, 8), (4, 9), (0, 2), (10, 9), (7, 5), (9, 9)]:
        with pytest.raises(IndexError):
            ring.slice(a, b)


def test_a_slice_within_a_block_shares_its_memory_and_stays_as_it_was() -> None:
    ring = Ring("e", ticks=2000, seconds=900)
    ring.append(Ticks.of([1] * 100, list(range(100)), [1.0] * 100), 0)
    view = ring.slice(11, 20)
    assert np.shares_memory(view.times, ring._blocks[0].times)
    for _ in range(100):
        ring.append(Ticks.of([2] * 100, [0] * 100, [2.0] * 100), 0)
    assert view.times.tolist() == list(range(10, 20))
    assert view.values.tolist() == [1.0] * 10


def test_a_batch_larger_than_the_ring_leaves_its_end() -> None:
    ring = Ring("e", ticks=10, seconds=900)
    ring.append(Ticks.of([1] * 5000, list(range(5000)), [0.0] * 5000), 0)
    assert (ring.oldest, ring.head) == (4991, 5000)
    assert ring.slice(4991, 5000).times.tolist() == list(range(4990, 5000))
    assert len(ring._blocks) == 1


def test_a_source_that_ticks_rarely_keeps_nothing_from_before_its_window() -> None:
    ring = Ring("e", ticks=1000, seconds=900)
    for hour in range(5):
        ring.append(Ticks.of([1], [0], [float(hour)]), hour * 3_600_000)
        assert len(ring) == 1
    assert ring.last[1].value == 4.0


def test_the_last_tick_of_a_series_outlives_the_window() -> None:
    ring = Ring("e", ticks=10, seconds=1)
    ring.append(Ticks.of([1, 2], [5, 6], [1.5, "open"], [2.0, None]), 0)
    ring.append(Ticks.of([3] * 50, [7] * 50, [0.0] * 50), 1_000_000)
    ring.trim(10_000_000)
    assert len(ring) == 0
    assert ring.last[1] == Last(1, 5, 1.5, 2.0)
    assert ring.last[2] == Last(2, 6, "open", None)


def test_a_clock_that_jumps_back_loses_nothing() -> None:
    ring = Ring("e", ticks=1000, seconds=900)
    for now in (10_000_000, 4_000_000, 4_000_001, 10_000_000):
        ring.append(Ticks.of([1], [0], [0.0]), now)
    assert len(ring) == 4


def test_gaps_are_found_by_seq_and_let_go_with_the_window() -> None:
    ring = Ring("e", ticks=20, seconds=900)
    ring.append(Ticks.of([1] * 3, [0] * 3, [0.0] * 3), 0)
    ring.lose(4, "source", 10, 20, 0)
    ring.append(Ticks.of([1] * 3, [0] * 3, [0.0] * 3), 0)
    gap = ring.gap_from(1)
    assert gap is not None
    assert (gap.a, gap.b, gap.why, gap.start, gap.end) == (4, 7, "source", 10, 20)
    assert ring.gap_from(7) is gap
    assert ring.gap_from(8) is None
    ring.append(Ticks.of([1] * 17, [0] * 17, [0.0] * 17), 0)
    assert not ring.gaps
    assert LOST not in ring.last


# --- memory ---


def traced(build: Any) -> tuple[int, Any]:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        built = build()
        return tracemalloc.get_traced_memory()[0] - before, built
    finally:
        tracemalloc.stop()


def test_a_numeric_tick_costs_less_than_48_bytes_with_everything() -> None:
    batch = Ticks.of([1, 2, 3, 4, 5] * 20, [0] * 100, [1.0] * 100)

    def build() -> Ring:
        ring = Ring("e", ticks=100_000, seconds=900)
        for number in range(1500):
            ring.append(batch, number * 100)
        return ring

    spent, ring = traced(build)
    assert len(ring) == 100_000
    assert spent / len(ring) <= 48


def test_a_slow_source_costs_one_block_and_little_more() -> None:
    def build() -> list[Ring]:
        rings = [Ring("e", ticks=1_000_000, seconds=900) for _ in range(10)]
        for ring in rings:
            for number in range(50):
                ring.append(Ticks.of([1], [0], [1.0]), number * 10_000)
        return rings

    spent, _ = traced(build)
    assert spent / 10 < 48 * 1024


def test_texts_stay_within_their_budget_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "TEXT_BUDGET", 1_000_000)

    for text in ("", "x", "\u26a0" * 300, "\U0001f6aa" * 200):

        def build(text: str = text) -> Ring:
            ring = Ring("e", ticks=1_000_000, seconds=900)
            for number in range(300):
                ring.append(Ticks.of([1] * 50, [0] * 50, [f"{text}{row % 10}" for row in range(50)]), number)
            return ring

        spent, ring = traced(build)
        assert ring._text_bytes <= 1_000_000
        assert spent < 1_000_000 + 28 * 2048 * 20
        assert ring.slice(ring.head, ring.head).texts[0].endswith("9")


def test_texts_beyond_the_budget_take_the_oldest_ticks_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "BLOCK", 4)
    monkeypatch.setattr(ring_module, "TEXT_BUDGET", 2000)
    ring = Ring("e", ticks=1000, seconds=900)
    for number in range(40):
        ring.append(Ticks.of([1, 2], [0, 0], [1.0, f"{number:0100}"]), 0)
        assert ring._text_bytes <= 2000
    assert 5 <= len(ring) <= 20
    monkeypatch.setattr(ring_module, "TEXT_BUDGET", 10)
    ring.append(Ticks.of([2], [0], ["longer than ten"]), 0)
    assert len(ring) == 0
    assert ring._text_bytes == 0
    ring.append(Ticks.of([1], [0], [5.0]), 0)
    assert ring.slice(ring.head, ring.head).values.tolist() == [5.0]
