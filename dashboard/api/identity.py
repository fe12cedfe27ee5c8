"""Tells who asks: the bearer of a token, else the user of the session, else nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from ninja.security.base import AuthBase

from dashboard.api.answers import Refusal
from dashboard.models import ApiToken, Viewer
from dashboard.models.offload import offload


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user by name, a token, or, with neither, nobody: then only public dashboards are open."""

    viewer: Viewer
    user: str | None = None
    staff: bool = False
    token: ApiToken | None = None

    @property
    def signed_in(self) -> bool:
        return self.user is not None or self.token is not None


class Identity(AuthBase):
    """Puts the Caller into `request.auth`; refuses a token that does not hold, even if there is a session too."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    is_async = True

    def __init__(self) -> None:
        super().__init__()
        self.is_async = True

    async def __call__(self, request: HttpRequest) -> Any:
        return await offload(caller_of)(request)


def caller_of(request: HttpRequest) -> Caller:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        token = ApiToken.check_text(text.strip())
        if token is None:
            raise Refusal(
                401, "unauthorized", "This token is unknown, revoked or expired. Make one: manage.py token add."
            )
        return Caller(token.viewer(), token=token)
    user = request.user
    if not user.is_authenticated or not user.is_active:
        return Caller(Viewer())
    return Caller(Viewer.of_user(user), user.get_username(), user.is_staff)


def caller(request: HttpRequest) -> Caller:
    """Returns the Caller of a request that has passed Identity."""
    who: Caller = request.auth  # type: ignore[attr-defined]
    return who
