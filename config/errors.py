"""Answers requests for what does not exist, and those in which something was raised that nobody expected."""

from __future__ import annotations

import logging
import sys

from django.db import DataError, Error, IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views.decorators.csrf import csrf_exempt

# Seconds after which it may be worth asking again.
RETRY_AFTER = 5


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponse:
    """A program that mistypes an address of the API is answered in the API's own form, not with a page."""
    msg = f"There is no address {request.path}. GET /api/v1/openapi.json lists those that there are."
    return JsonResponse({"code": "not_found", "msg": msg}, status=404)


def database_is_away(error: object) -> bool:
    """Tells what passes from a defect: a question that makes no sense to the database is one of ours."""
    return isinstance(error, Error) and not isinstance(error, DataError | IntegrityError)


class AwayInOneLine(logging.Filter):
    """Has a request that the database did not answer logged in one line: that passes, and is not a defect."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if database_is_away(error):
            words = " ".join(str(error).split())
            record.msg, record.args = "%s (%s)", (record.getMessage(), words)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database cannot be asked, which passes; 500 for a defect, which does not."""
    page = loader.get_template("500.html").render()
    if database_is_away(sys.exc_info()[1]):
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER)})
    return HttpResponse(page, status=500)
