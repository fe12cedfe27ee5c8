"""Makes the cast of the tests: ana owns, ben may view, cy may not."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Permission, User

from dashboard.models import Dashboard, DataSource, Panel, Series


@dataclass(frozen=True)
class Cast:
    """`board` is ana's and private; on it is `apple`, but neither `microsoft`, of the same source, nor `secret`."""

    ana: User
    ben: User
    cy: User
    root: User
    market: DataSource
    vault: DataSource
    apple: Series
    microsoft: Series
    secret: Series
    board: Dashboard
    panel: Panel


def assemble() -> Cast:
    ana, ben, cy = (User.objects.create_user(name) for name in ("ana", "ben", "cy"))
    ben.user_permissions.add(Permission.objects.get(codename="view_dashboard"))
    root = User.objects.create_superuser("root")
    market = DataSource.objects.create(name="Market", slug="market", kind="simulated", cadence=0.5)
    vault = DataSource.objects.create(name="Vault", slug="vault", kind="simulated")
    apple = Series.objects.create(source=market, key="AAPL", label="Apple", unit="USD", decimals=2)
    microsoft = Series.objects.create(source=market, key="MSFT", label="Microsoft")
    secret = Series.objects.create(source=vault, key="GOLD")
    board = Dashboard.objects.create(title="Board", slug="board", owner=ana)
    panel = Panel.objects.create(dashboard=board, kind=Panel.Kind.LINE, title="Apple")
    panel.series.add(apple)
    return Cast(ana, ben, cy, root, market, vault, apple, microsoft, secret, board, panel)
