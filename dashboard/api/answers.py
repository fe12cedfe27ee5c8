"""Turns results and errors into JSON answers: an error is always {"code", "msg"}, in plain words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import orjson
from django.db import DataError, Error, IntegrityError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.renderers import BaseRenderer

from dashboard.ticklog.base import LogUnreachable

log = logging.getLogger(__name__)

NOT_FOUND = "There is no such thing here, or you may not see it. GET sources and GET series list what you may see."


class Refusal(Exception):
    """A request that is answered by an error; `code` is for programs, `msg` says to a person what to do."""

    def __init__(self, status: int, code: str, msg: str, retry: int = 0) -> None:
        """`retry` is after how many seconds the same request may be sent again; 0 = that would not help."""
        super().__init__(msg)
        self.status, self.code, self.msg, self.retry = status, code, msg, retry


def not_found() -> Refusal:
    """The same for what is missing and for what is forbidden: the difference would tell who has what."""
    return Refusal(404, "not_found", NOT_FOUND)


class OrjsonRenderer(BaseRenderer):
    """Writes JSON, columns of numbers included; NaN comes out as null."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)


class Api(NinjaAPI):
    def __init__(self, **options: Any) -> None:
        super().__init__(renderer=OrjsonRenderer(), **options)
        handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
            Refusal: self._refused,
            HttpError: self._http_error,
            ValidationError: self._invalid,
            LogUnreachable: self._away,
            Error: self._away,
            DataError: self._failed,
            IntegrityError: self._failed,
            Exception: self._failed,
        }
        for kind, handler in handlers.items():
            self.add_exception_handler(kind, handler)

    def create_response(self, request: HttpRequest, data: Any, **options: Any) -> HttpResponse:
        response = super().create_response(request, data, **options)
        response["Cache-Control"] = "no-store"  # a live figure from a cache would be an old one that looks new
        return response

    def _error(self, request: HttpRequest, status: int, code: str, msg: str) -> HttpResponse:
        response = self.create_response(request, {"code": code, "msg": msg}, status=status)
        if status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response

    def _refused(self, request: HttpRequest, error: Refusal) -> HttpResponse:
        return self._error(request, error.status, error.code, error.msg)

    def _http_error(self, request: HttpRequest, error: HttpError) -> HttpResponse:
        return self._error(request, error.status_code, "bad", str(error))

    def _invalid(self, request: HttpRequest, error: ValidationError) -> HttpResponse:
        said = [f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors]
        return self._error(request, 400, "bad", ". ".join(said) + ".")

    def _away(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """The log or the database cannot be asked, which passes."""
        log.warning("%s %s failed: %r", request.method, request.path, error)
        response = self._error(request, 503, "away", "What is asked for cannot be read now. Try again in a moment.")
        response["Retry-After"] = "5"
        return response

    def _failed(self, request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return self._error(
            request, 500, "internal", "This went wrong on the server; its log says how. Try again later."
        )
