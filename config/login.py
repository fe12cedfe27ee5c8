"""Has people sign in, on the site and in the admin, unless they have failed too often, and sends them on."""

from __future__ import annotations

import logging
from functools import cache
from time import monotonic
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError

from config.attempts import Attempts, minutes
from dashboard import live

logger = logging.getLogger(__name__)


@cache
def attempts() -> Attempts:
    """Returns the count of the process's failed logins, of both forms, made at the first call from the settings."""
    return Attempts(settings.TICKWALL_LOGIN_FAILURES_PER_USER, settings.TICKWALL_LOGIN_FAILURES_PER_ADDRESS)


class LoginForm(AuthenticationForm):
    """Asks whether the password is right, but not for those who were wrong too often."""

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()  # nothing is tried
        attempt = attempts().begin(name, self._address(), monotonic())
        if isinstance(attempt, float):
            raise ValidationError(f"Too many attempts. Try again in {minutes(attempt)}.", code="too_many")
        try:
            cleaned = super().clean()
        except ValidationError:
            for line in attempt.failed():
                logger.warning(line)
            raise
        except BaseException:
            attempt.undone()  # the database is away
            raise
        attempt.succeeded()
        return cleaned

    def _address(self) -> str:
        """Returns the address that counts as one client, the same as for sockets."""
        assert self.request is not None
        told = self.request.META
        return live.current_clients().proxies.client(told.get("REMOTE_ADDR"), told.get("HTTP_X_FORWARDED_FOR", ""))


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The same for the admin, where whoever is no staff is told that he was wrong, and has failed too."""


class Login(LoginView):
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs give it a request
        """Returns where to go on; empty for the usual place, also where the way would lead back to this very page."""
        url: str = super().get_redirect_url()
        return "" if url == self.request.path else url
