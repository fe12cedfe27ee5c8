from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.feeds import registry
from dashboard.feeds.registry import BadConfig, Registry, UnknownKind, secret_names, validated

GOOD = """
from __future__ import annotations
from dashboard.feeds.base import Feed, FeedConfig
class Config(FeedConfig):
    rate: float
class GoodFeed(Feed):
    kind = "{name}"
    label = "Good"
    Config = Config
    async def run(self):
        yield
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "somekinds"
    root.mkdir()
    (root / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "somekinds"]:
        del sys.modules[name]


def found(package: Path, **modules: str) -> Registry:
    for name, source in modules.items():
        (package / f"{name}.py").write_text(source)
    importlib.invalidate_caches()
    return Registry(importlib.import_module("somekinds"))


def test_the_kinds_of_the_project_are_found() -> None:
    assert {"host", "simulated"} <= registry.kinds().keys()
    assert registry.errors() == {}
    assert registry.kind("host").label == "This machine"


def test_kinds_are_named_by_their_modules(package: Path) -> None:
    kinds = found(package, good=GOOD.format(name="good"), _part="raise ValueError").kinds()
    assert {name: feed.__name__ for name, feed in kinds.items()} == {"good": "GoodFeed"}


def test_an_unknown_kind_is_told_with_the_known_ones(package: Path) -> None:
    one = found(package, good=GOOD.format(name="good"), better=GOOD.format(name="better"))
    with pytest.raises(UnknownKind) as caught:
        one.kind("mqtt")
    assert str(caught.value) == "There is no kind of source called “mqtt”. Known kinds: better, good."


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("def broken(:", "SyntaxError"),
        ("", "TypeError: the module has no Feed whose kind is “bad”"),
        (GOOD.format(name="other"), "TypeError: the module has no Feed whose kind is “bad”"),
        (GOOD.format(name="bad").replace('label = "Good"', "pass"), "TypeError: GoodFeed needs a label and a Config"),
    ],
)
def test_a_module_that_does_not_load_takes_no_other_down(
    package: Path, source: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = found(package, bad=source, good=GOOD.format(name="good"))
    assert list(one.kinds()) == ["good"]
    assert one.errors()["bad"].startswith(why)
    with pytest.raises(UnknownKind, match="“bad” cannot be loaded"):
        one.kind("bad")
    # Said once, not at every look.
    assert len(caplog.records) == 1


def test_a_kind_is_imported_when_first_asked_for(package: Path) -> None:
    one = found(package, good=GOOD.format(name="good"), other=GOOD.format(name="other"))
    assert "somekinds.good" not in sys.modules
    one.kind("good")
    assert "somekinds.good" in sys.modules
    assert "somekinds.other" not in sys.modules


def test_a_bad_config_names_its_fields_and_no_values(package: Path) -> None:
    kind = found(package, good=GOOD.format(name="good")).kind("good")
    with pytest.raises(BadConfig) as caught:
        validated(kind, {"rate": "hunter2", "colour": "secret"})
    assert [field for field, _ in caught.value.fields] == ["rate", "colour"]
    assert str(caught.value).startswith("rate: Input should be a valid number")
    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_config_that_is_no_object_is_told(package: Path) -> None:
    kind = found(package, good=GOOD.format(name="good")).kind("good")
    with pytest.raises(BadConfig, match="config: "):
        validated(kind, ["rate"])  # type: ignore[arg-type]


LOCKED = GOOD.replace(
    "    rate: float",
    """
    host: str = "localhost"
    password: SecretStr | None = Field(None, title="Password", max_length=12)
    token: SecretStr = SecretStr("")
    @field_validator("token")
    @classmethod
    def _look(cls, token):
        if token.get_secret_value().startswith("bad"):
            raise ValueError(f"{token.get_secret_value()} is no token")
        return token
""",
).replace("class Config(", "from pydantic import BaseModel, Field, SecretStr, field_validator\nclass Config(")


def test_secrets_of_a_kind_are_known_and_never_echoed(package: Path) -> None:
    kind = found(package, locked=LOCKED.replace("{name}", "locked")).kind("locked")
    assert secret_names(kind) == ("password", "token")
    config = validated(kind, {"host": "a"}, {"password": "hunter2", "token": "t", "of another kind": "x"})
    assert "hunter2" not in repr(config)
    with pytest.raises(BadConfig) as caught:
        validated(kind, {"token": "bad hunter2"}, {"password": "hunter2 hunter2 hunter2"})
    assert [field for field, _ in caught.value.fields] == ["password", "token"]
    assert "hunter2" not in str(caught.value)
    assert "… is no token" in str(caught.value)


@pytest.mark.parametrize(
    "field",
    [
        "login: Login = Login()",
        "logins: list[Login] = []",
        "tokens: list[SecretStr] = []",
        "headers: dict[str, SecretStr] = {}",
        "either: SecretStr | int | None = None",
    ],
)
def test_a_kind_that_hides_a_secret_deeper_is_refused(package: Path, field: str) -> None:
    source = GOOD.format(name="deep").replace(
        "class Config(FeedConfig):\n    rate: float",
        "from pydantic import BaseModel, SecretStr\nclass Login(BaseModel):\n    password: SecretStr = SecretStr('')\n"
        f"class Config(FeedConfig):\n    {field}",
    )
    # In a file of its own, pydantic finds the names that stand for types.
    assert "a secret is a field of its own" in found(package, deep=source).errors()["deep"]
