"""Answers what is in the tick log: the last value of series, and the ticks themselves, raw."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from django.http import HttpRequest
from ninja import Field, Query, Router

from dashboard import ticklog
from dashboard.api.answers import Refusal, not_found
from dashboard.api.identity import caller
from dashboard.api.reads import source_of
from dashboard.models import Viewer
from dashboard.models.offload import offload
from dashboard.models.rights import visible_series
from dashboard.ticklog.base import Page
from dashboard.timeseries.tick import LOST, Ticks

router = Router()

# Ticks in one answer: about 400 KB, which the event loop writes in a few milliseconds.
MOST_TICKS = 10_000
MOST_SERIES = 1_000
# The largest whole number that JavaScript holds exactly, and so the largest on this wire.
LARGEST = 2**53 - 1
NO_TICK = {"seq": None, "t": None, "v": None, "q": None}

TICKS_SHAPE = {
    "responses": {
        200: {
            "description": "Ticks with seq a..b in columns; `rows` holds those of them that the caller may see.",
            "content": {
                "application/json": {
                    "example": {
                        "src": 42,
                        "epoch": "Qk3x",
                        "oldest": 1,
                        "head": 9113,
                        "a": 1,
                        "b": 2,
                        "rows": {
                            "s": [1, 2],
                            "i": [101, 102],
                            "t0": 1795361835123,
                            "t": [0, 4],
                            "v": [187.2, 41.07],
                            "q": [300, None],
                        },
                    }
                }
            },
        }
    }
}


@router.get("/latest", summary="Last value of series")
async def latest(
    request: HttpRequest, series: Annotated[str, Query(description="Ids, with commas between them: 101,102")]
) -> list[dict[str, Any]]:
    """Returns for each series, in the order asked for, its last tick, however old: look at `t`, milliseconds UTC.

    All but `id` and `src` are null for a series that has no tick in the log.
    """
    ids = _ids(series)
    source_of = await offload(_sources_of)(caller(request).viewer, ids)
    log = ticklog.current()
    last = {source: await log.latest(source) for source in set(source_of.values())}
    answer = []
    for one in ids:
        tick = last[source_of[one]].get(one)
        known = {"seq": tick.seq, "t": tick.time, "v": tick.value, "q": tick.volume} if tick else NO_TICK
        answer.append({"id": one, "src": source_of[one], **known})
    return answer


def _ids(text: str) -> list[int]:
    parts = text.split(",")
    if len(parts) > MOST_SERIES:
        raise Refusal(400, "limit", f"series: at most {MOST_SERIES} ids in one request. Ask in several.")
    if not all(map(_is_id, map(str.strip, parts))):
        raise Refusal(400, "bad", "series: whole numbers with commas between them are wanted, as in series=101,102.")
    return list(dict.fromkeys(int(part) for part in parts))


def _is_id(text: str) -> bool:
    # Python reads no number of thousands of digits, however small it may be.
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST)) and int(text) <= LARGEST


def _sources_of(viewer: Viewer, ids: list[int]) -> dict[int, int]:
    found = dict(visible_series(viewer).filter(pk__in=ids).values_list("pk", "source_id"))
    if len(found) < len(ids):
        raise not_found()
    return found


@router.get("/sources/{slug}/ticks", summary="Ticks of a source, raw", openapi_extra=TICKS_SHAPE)
async def ticks(
    request: HttpRequest,
    slug: str,
    after: Annotated[int, Field(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Field(ge=1, le=MOST_TICKS)] = 1000,
) -> dict[str, Any]:
    """Reads the tick log from the first tick with seq > `after`: ask again with `after` = b until b is the head.

    `a`..`b` is the range that was read; rows of series the caller may not see are left out of `rows`, not of the range.
    If `a` is not `after` + 1, what lies between is no longer in the log. A new `epoch` starts seq again from 1.
    """
    source, allowed = await offload(_allowed)(caller(request).viewer, slug)
    page = await ticklog.current().read(source, after, limit)
    return {
        "src": source,
        "epoch": page.extent.epoch,
        "oldest": page.extent.oldest,
        "head": page.extent.head,
        "a": page.a,
        "b": page.b,
        "rows": rows(page, allowed),
    }


def _allowed(viewer: Viewer, slug: str) -> tuple[int, list[int] | None]:
    """Returns the source's id and the ids of its series that the viewer may see; None = all, deleted ones too."""
    source = source_of(viewer, slug).pk
    if viewer.sees_all_sources or viewer.only_source is not None:
        return source, None
    return source, list(visible_series(viewer).filter(source=source).values_list("pk", flat=True))


def rows(page: Page, allowed: list[int] | None) -> dict[str, Any]:
    """Turns a page into columns; `q` is left out when no row has a volume, and is null in rows without one."""
    seqs, ticks = np.arange(page.a, page.b + 1), page.ticks
    here = ticks.series != LOST
    if not here.all():
        seqs, ticks = seqs[here], ticks.where(here)
    if allowed is not None:
        mask = np.isin(ticks.series, allowed)
        seqs, ticks = seqs[mask], ticks.where(mask)
    t0 = int(ticks.times[0]) if len(ticks) else 0
    columns = {"s": seqs, "i": ticks.series, "t0": t0, "t": ticks.times - t0, "v": _values(ticks)}
    if not np.isnan(ticks.volumes).all():
        columns["q"] = ticks.volumes
    return columns


def _values(ticks: Ticks) -> Any:
    if not ticks.texts:
        return ticks.values
    values: list[float | str] = ticks.values.tolist()
    for row, text in ticks.texts.items():
        values[row] = text
    return values
