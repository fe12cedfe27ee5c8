"""Turns what somebody typed into a JSON object that every database can keep."""

from __future__ import annotations

import json
from typing import Any, Never

from django import forms
from django.core.exceptions import ValidationError

# A config of this many characters is no config; it would be read by every worker at every start.
MOST_CHARACTERS = 100_000


class StrictDecoder(json.JSONDecoder):
    """Reads JSON as the standard has it, and fails in one way only, whatever is wrong.

    Python's own takes NaN, makes infinity of 1e999 and stops at deep nesting or endless digits with errors of other
    kinds, none of which a form or a database expects.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "parse_constant": self._refuse})

    @staticmethod
    def _refuse(word: str) -> Never:
        raise json.JSONDecodeError(f"{word} is not a number in JSON", "", 0)

    def decode(self, text: str, *args: Any) -> Any:
        try:
            value = super().decode(text, *args)
            written = json.dumps(value, allow_nan=False, ensure_ascii=False)
            written.encode()
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError(_why(error), text, 0) from None
        if "\\u0000" in written:
            raise json.JSONDecodeError("The character of number zero cannot be kept", text, 0)
        return value


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "It is nested too deeply"
    if isinstance(error, UnicodeEncodeError):
        return "It holds half a character"
    return "A number in it is too large"


class JsonObjectField(forms.JSONField):
    """A form field for a JSON object, shown with one member a line; empty stands for {}."""

    def __init__(self, **options: Any) -> None:
        options.pop("encoder", None)
        options["widget"] = forms.Textarea(
            attrs={"rows": 12, "cols": 80, "class": "vLargeTextField", "spellcheck": "false"}
        )
        super().__init__(**{**options, "decoder": StrictDecoder})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            self._explain(value)
        found = super().to_python(value)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise ValidationError('A JSON object is wanted: names and values in braces, as in {"rate": 10}.')
        return found

    def _explain(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise ValidationError(f"This is longer than {MOST_CHARACTERS:,} characters.")
        if not text.strip():
            return
        try:
            json.loads(text, cls=self.decoder)
        except json.JSONDecodeError as error:
            raise ValidationError(
                f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
            ) from None

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):  # what was typed and could not be read comes back as it was
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)
