"""Shows tokens; the text of a new one exactly once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from dashboard.models import ApiToken, Viewer


class ApiTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    maker: Any = None  # the user who fills the form in

    class Meta:
        model = ApiToken
        fields = ("name", "scope", "source", "expires", "revoked")

    def clean_expires(self) -> Any:
        expires = self.cleaned_data["expires"]
        if "expires" in self.changed_data and expires is not None and expires <= timezone.now():
            raise ValidationError("This is in the past. To end a token now, tick “revoked”.")
        return expires

    def clean(self) -> dict[str, Any]:
        """Nobody makes a token that may do more than he may himself."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.instance.pk or self.maker.is_superuser:
            return cleaned
        viewer = Viewer.of_user(self.maker)
        if cleaned.get("scope") == ApiToken.Scope.ADMIN:
            self.add_error("scope", "Only a superuser may make a token that may do everything.")
        elif not viewer.sees_all_sources:
            self.add_error("scope", "You need the right to view data sources to give it to a token.")
        elif cleaned.get("source") is None and not viewer.sees_all_dashboards:
            self.add_error("source", "Name one source: for all, you need the right to view dashboards.")
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ApiTokenForm
    list_display = ("name", "scope", "source", "created", "expires", "last_used", "revoked")
    list_filter = ("scope", "revoked")
    list_select_related = ("source",)
    search_fields = ("name", "lookup")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ("name", "scope", "source", "expires")
        return (*shown, "revoked", "lookup", "created", "last_used") if obj else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # What a token may do stays: programs hold it, and a wider right would reach all of them unseen.
        return ("scope", "source", "lookup", "created", "last_used") if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"maker": request.user})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        text = "" if change else obj.seal()
        super().save_model(request, obj, form, change)
        if text:
            words = "The token, shown this once and never again. Copy it now: <code>{}</code>"
            self.message_user(request, format_html(words, text), messages.WARNING)
