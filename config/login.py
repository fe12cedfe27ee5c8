"""Has people sign in, and sends those who have done so on to where they wanted to go."""

from __future__ import annotations

from django.contrib.auth.views import LoginView


class Login(LoginView):
    redirect_authenticated_user = True

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs give it a request
        """Returns where to go on; empty for the usual place, also where the way would lead back to this very page."""
        url: str = super().get_redirect_url()
        return "" if url == self.request.path else url
