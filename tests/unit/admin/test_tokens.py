from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from dashboard.models import ApiToken
from tests.unit.models.cast import Cast

ADD = "/admin/dashboard/apitoken/add/"


def typed(**fields: Any) -> dict[str, Any]:
    return {"name": "robot", "scope": "read", "source": "", "expires_0": "", "expires_1": "", **fields}


def test_a_new_token_shows_its_text_exactly_once(admin: Client, cast: Cast) -> None:
    page = admin.post(ADD, typed(), follow=True)
    texts = re.findall(r"tw_[0-9a-f]{8}_[\w-]{43}", page.content.decode())
    assert len(texts) == 1
    token = ApiToken.check_text(texts[0])
    assert token is not None
    secret = texts[0].split("_", 2)[2]
    for url in ("/admin/dashboard/apitoken/", f"/admin/dashboard/apitoken/{token.pk}/change/", "/admin/"):
        assert secret not in admin.get(url).content.decode()


def test_a_change_keeps_the_secret_and_what_the_token_may_do(admin: Client, cast: Cast) -> None:
    token, text = ApiToken.issue("robot", "read", cast.market)
    url = f"/admin/dashboard/apitoken/{token.pk}/change/"
    page = admin.post(url, typed(name="android", scope="admin"), follow=True)
    assert "never again" not in page.content.decode()
    held = ApiToken.check_text(text)
    assert held is not None
    assert (held.name, held.scope, held.source) == ("android", "read", cast.market)
    admin.post(url, typed(revoked="on"))
    assert ApiToken.check_text(text) is None


def test_a_token_that_would_have_expired_already_is_refused(admin: Client, cast: Cast) -> None:
    page = admin.post(ADD, typed(expires_0="2020-01-01", expires_1="00:00:00"))
    assert "expires" in page.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("rights", "fields", "refused"),
    [
        ([], {"scope": "admin"}, "scope"),
        ([], {"scope": "read"}, "scope"),
        ([], {"scope": "ingest"}, "scope"),
        (["view_datasource", "view_dashboard"], {"scope": "admin"}, "scope"),
        (["view_datasource"], {"scope": "read"}, "source"),
        (["view_datasource", "view_dashboard"], {"scope": "read"}, None),
    ],
)
def test_nobody_makes_a_token_that_may_more_than_himself(
    cast: Cast, rights: list[str], fields: dict[str, str], refused: str | None
) -> None:
    cast.cy.is_staff = True
    cast.cy.save()
    cast.cy.user_permissions.set(Permission.objects.filter(codename__in=["add_apitoken", *rights]))
    client = Client()
    client.force_login(cast.cy)
    page = client.post(ADD, typed(**fields))
    if refused is None:
        assert page.status_code == 302
    else:
        assert refused in page.context["adminform"].form.errors
        assert not ApiToken.objects.exists()
