"""Names everything that is answered over HTTP."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from config import errors
from config.login import AdminLoginForm, Login
from dashboard.api import api

# Failed logins are counted there as here.
admin.site.login_form = AdminLoginForm

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", Login.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("api/v1/", errors.no_such_address),
    path("api/v1/", api.urls),
    re_path("^api/", errors.no_such_address),
    # Asked for by browsers on pages that name no icon, those of the admin among them.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("icons/tickwall.svg"))),
    path("", include("dashboard.urls")),
]
handler500 = "config.errors.server_error"
