"""Plugins: the traps of a host of plugins, each told in one line with its fix."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from harness import hookimpl
from harness.data import TaskType
from harness.errors import ConfigError, HarnessError, PluginError
from harness.offers import Features, ModelRecipe
from harness.params import NoParams
from harness.plugins import Plugins, describe_error, load_plugins


def recipe(name: str) -> ModelRecipe:
    return ModelRecipe(name, "a model", frozenset(TaskType), NoParams, lambda *_: None)  # type: ignore[arg-type,return-value]


def plugin(name: str, **hooks: Callable[..., Any]) -> ModuleType:
    """Make a module whose functions look as if they were written in it."""
    module = ModuleType(f"harness_{name}_fake")
    for attribute, function in hooks.items():
        function.__module__ = module.__name__
        setattr(module, attribute, function)
    return module


def models(*names: str) -> Callable[..., Any]:
    def harness_models() -> Iterable[ModelRecipe]:
        return [recipe(name) for name in names]

    return hookimpl(harness_models)


@dataclass
class FakePoint:
    name: str
    loads: Any
    version: str = "1.2"
    distribution: str = ""
    module: str = "harness_x.plugin"

    @property
    def dist(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.distribution or f"dist-{self.name}", version=self.version)

    def load(self) -> Any:
        if isinstance(self.loads, BaseException):
            raise self.loads
        return importlib.import_module(self.module) if self.loads is None else self.loads


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plugins]:
    def load(*points: FakePoint, local: Path | None = None) -> Plugins:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: list(points))
        return load_plugins(local)

    return load


Install = Callable[..., Plugins]


# what is refused when a plugin is registered ------------------------------------------------------------------------


def misspelt() -> ModuleType:
    def harness_modles() -> list[Any]:
        return []

    return plugin("x", harness_modles=hookimpl(harness_modles))


def unmarked() -> ModuleType:
    def harness_models() -> list[Any]:
        return []

    return plugin("x", harness_models=harness_models)


def with_default() -> ModuleType:
    def harness_run_started(run: Any = None) -> None: ...

    return plugin("x", harness_run_started=hookimpl(harness_run_started))


def with_strange_argument() -> ModuleType:
    def harness_report(competition: Any, results: Any) -> list[Any]:
        return []

    return plugin("x", harness_report=hookimpl(harness_report))


def with_argument_of_an_offer() -> ModuleType:
    def harness_models(info: Any) -> list[Any]:
        return []

    return plugin("x", harness_models=hookimpl(harness_models))


TRAPS = [
    (misspelt, "no hook is called 'harness_modles'; did you mean 'harness_models'?"),
    (unmarked, "harness_models in harness_x_fake looks like a hook but lacks @hookimpl"),
    (with_default, "argument 'run' has a default"),
    (with_strange_argument, "the hook has no argument 'results'; did you mean 'result'?"),
    (with_argument_of_an_offer, "the hook has no argument 'info'; it takes none"),
]


@pytest.mark.parametrize(("make", "words"), TRAPS, ids=[make.__name__ for make, _ in TRAPS])
def test_trap_is_told_in_one_line_and_nothing_stays_registered(make: Callable[[], ModuleType], words: str) -> None:
    plugins = Plugins()
    with pytest.raises(PluginError) as caught:
        plugins.register("x", make())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not plugins.manager.get_plugins()


@pytest.mark.parametrize(("make", "words"), TRAPS, ids=[make.__name__ for make, _ in TRAPS])
def test_installed_trap_is_listed_and_stops_nothing_else(
    make: Callable[[], ModuleType], words: str, install: Install
) -> None:
    plugins = install(FakePoint("x", make()), FakePoint("y", plugin("y", harness_models=models("y.tree"))))
    broken, works = plugins.loaded
    assert words in broken.error
    assert "dist-x" in broken.fix
    assert works.error == ""
    assert "y.tree" in plugins.offers(ModelRecipe)


def test_a_hook_under_another_name_is_taken() -> None:
    def my_models() -> list[ModelRecipe]:
        return [recipe("x.tree")]

    plugins = Plugins()
    plugins.register("x", plugin("x", my_models=hookimpl(specname="harness_models")(my_models)))
    assert list(plugins.offers(ModelRecipe)) == ["x.tree"]


# what is broken at import -------------------------------------------------------------------------------------------


@pytest.mark.fault("F-32")
@pytest.mark.parametrize(
    ("error", "told", "fix"),
    [
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "No module named 'torch'", "pip install torch"),
        (RuntimeError("first line\nsecond"), "RuntimeError: first line", "--force-reinstall dist-x"),
        (SystemExit(3), "SystemExit: 3", "--force-reinstall dist-x"),
        (SyntaxError("odd"), "SyntaxError: odd", "--force-reinstall dist-x"),
    ],
)
def test_import_failure_is_listed_with_its_fix(error: BaseException, told: str, fix: str, install: Install) -> None:
    plugins = install(FakePoint("x", error), FakePoint("y", plugin("y", harness_models=models("y.tree"))))
    assert (plugins.loaded[0].name, plugins.loaded[0].version) == ("x", "1.2")
    assert told in plugins.loaded[0].error
    assert fix in plugins.loaded[0].fix
    with pytest.raises(PluginError, match="plugin 'x' is broken") as caught:
        plugins.find(ModelRecipe, "x.cnn", "strategy a")
    assert fix in str(caught.value)
    assert plugins.find(ModelRecipe, "y.tree", "strategy b").name == "y.tree"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\ndef broken(:\n", ", line 2"),
        ("x = 1\n\nraise KeyError(x)\n", ", line 3"),
        ("import harness_x.modell\n", ", line 1"),
        ("def harness_models():\n    return []\n", ""),
        (
            "from harness import hookimpl\n\n\n@hookimpl\ndef harness_models():\n    return [][0]\n",
            ", line 6",
        ),
    ],
)
@pytest.mark.parametrize("installed", [False, True])
def test_an_author_is_told_where_to_mend_and_a_user_to_reinstall(
    text: str, line: str, installed: bool, tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "lib" / "site-packages" if installed else tmp_path
    (root / "harness_x").mkdir(parents=True)
    (root / "harness_x" / "__init__.py").touch()
    path = root / "harness_x" / "plugin.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(str(root))
    try:
        plugins = install(FakePoint("x", None))
        plugins.offers(ModelRecipe)
    finally:
        for name in ("harness_x", "harness_x.plugin"):
            sys.modules.pop(name, None)
    (found,) = plugins.loaded
    assert found.error
    if installed:
        assert "pip install" in found.fix
        assert "dist-x" in found.fix or "modell" in found.fix
    else:
        assert found.fix == f"mend {path}{line}"


def test_a_competitions_own_plugin_is_mended_where_it_lies(tmp_path: Path, install: Install) -> None:
    text = "from harness import hookimpl\n\n\n@hookimpl\ndef harness_models():\n    return [][0]\n"
    path = local_plugin(tmp_path, text)
    plugins = install(local=path)
    plugins.offers(ModelRecipe)
    assert plugins.loaded[-1].fix == f"mend {path}, line 6"


def test_ctrl_c_is_not_a_broken_plugin(install: Install) -> None:
    with pytest.raises(KeyboardInterrupt):
        install(FakePoint("x", KeyboardInterrupt()))


def test_one_distribution_found_twice_is_one_plugin(install: Install) -> None:
    module = plugin("x", harness_models=models("x.tree"))
    assert len(install(FakePoint("x", module), FakePoint("x", module)).loaded) == 1


@pytest.mark.fault("F-35")
def test_two_distributions_with_one_name_are_not_silently_one(install: Install) -> None:
    points = [FakePoint("x", plugin("x", harness_models=models("x.a")), distribution=name) for name in ("one", "two")]
    first, second = install(*points).loaded
    assert (first.distribution, first.error) == ("one", "")
    assert second.distribution == "two"
    assert "'x' exists already" in second.error


@pytest.mark.parametrize("name", ["metrics", "local"])
def test_names_of_the_core_are_not_for_plugins(name: str, install: Install) -> None:
    (loaded,) = install(FakePoint(name, plugin("x", harness_models=models("x.a")))).loaded
    assert repr(name) in loaded.error


# offers -------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-35")
def test_duplicate_offers_name_both_plugins_and_blame_none(install: Install) -> None:
    def harness_models() -> list[ModelRecipe]:
        return [recipe("x.tree"), recipe("x.tree")]

    plugins = install(FakePoint("x", plugin("x", harness_models=hookimpl(harness_models))))
    with pytest.raises(PluginError, match=r"'x.tree' is offered by both 'x' and 'x'"):
        plugins.offers(ModelRecipe)
    assert plugins.loaded[0].error == ""


@pytest.mark.fault("F-35", "F-43")
@pytest.mark.parametrize("name", ["tree", "y.tree", "x.", "x.a/b", "x.a b", "x...", ""])
def test_badly_named_offer_breaks_its_plugin_only(name: str, install: Install) -> None:
    plugins = install(
        FakePoint("x", plugin("x", harness_models=models("x.good", name))),
        FakePoint("y", plugin("y", harness_models=models("y.fine"))),
    )
    assert set(plugins.offers(ModelRecipe)) >= {"y.fine"}
    assert "x.good" not in plugins.offers(ModelRecipe)
    assert f"offers model {name!r}; expected x.NAME" in plugins.loaded[0].error


def test_offer_of_a_wrong_kind(install: Install) -> None:
    def harness_features() -> list[Any]:
        return [recipe("x.tree")]

    plugins = install(FakePoint("x", plugin("x", harness_features=hookimpl(harness_features))))
    assert plugins.offers(Features) == {}
    assert "expected Features" in plugins.loaded[0].error


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(1)])
def test_a_hook_of_offers_that_raises_breaks_its_plugin_only(error: BaseException, install: Install) -> None:
    def harness_models() -> Iterable[ModelRecipe]:
        yield recipe("x.tree")
        raise error

    plugins = install(
        FakePoint("x", plugin("x", harness_models=hookimpl(harness_models))),
        FakePoint("y", plugin("y", harness_models=models("y.fine"))),
    )
    assert "y.fine" in plugins.offers(ModelRecipe)
    assert plugins.loaded[0].error.startswith(f"harness_models failed: {type(error).__name__}")


def test_a_hook_that_offers_nothing_may_return_none(install: Install) -> None:
    def harness_models() -> None: ...

    plugins = install(FakePoint("x", plugin("x", harness_models=hookimpl(harness_models))))
    assert plugins.offers(ModelRecipe)
    assert plugins.loaded[0].error == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.tre", "no model 'x.tre' is offered; did you mean 'x.tree'?"),
        ("imagewang.cnn", "no plugin 'imagewang' is installed; install it: pip install competition-harness-imagewang"),
        ("nobody.cnn", "no plugin 'nobody' is installed"),
        ("konstant", "no model 'konstant' is offered; did you mean 'constant'?"),
    ],
)
def test_unknown_offer_tells_what_to_do(name: str, words: str, install: Install) -> None:
    plugins = install(FakePoint("x", plugin("x", harness_models=models("x.tree"))))
    with pytest.raises(PluginError) as caught:
        plugins.find(ModelRecipe, name, "strategies.a: model")
    assert str(caught.value).startswith("strategies.a: model: ")
    assert words in str(caught.value)


def test_owner_of_an_offer(install: Install) -> None:
    plugins = install(FakePoint("x", plugin("x", harness_models=models("x.tree"))))
    owner = plugins.owner("x.tree")
    assert owner is not None
    assert (owner.name, owner.version) == ("x", "1.2")
    assert plugins.owner("log_loss") is None
    assert plugins.owner("x") is None


# asking and telling -------------------------------------------------------------------------------------------------


def failed(error: BaseException) -> Callable[..., Any]:
    def harness_run_failed(message: str) -> None:
        raise error

    return hookimpl(harness_run_failed)


@pytest.mark.fault("F-31")
@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0), GeneratorExit(), ConfigError("a mistake")])
def test_a_plugin_that_fails_on_an_event_is_named_once_and_the_others_hear_of_it(
    error: BaseException, install: Install
) -> None:
    heard: list[str] = []

    def harness_run_failed(message: str) -> None:
        heard.append(message)

    def harness_warned(message: str) -> None:
        heard.append(message)

    listening = plugin("y", harness_run_failed=hookimpl(harness_run_failed), harness_warned=hookimpl(harness_warned))
    bad = plugin("x", harness_run_failed=failed(error))
    plugins = install(FakePoint("x", bad), FakePoint("y", listening))
    for _ in range(2):
        problem = plugins.tell("harness_run_failed", run=None, message="m")
        assert str(problem).startswith("plugin 'x' failed in harness_run_failed: ")
    assert heard == ["m", str(problem), "m"]
    assert plugins.trouble == [str(problem)]


def test_ctrl_c_passes_through_an_event(install: Install) -> None:
    plugins = install(FakePoint("x", plugin("x", harness_run_failed=failed(KeyboardInterrupt()))))
    with pytest.raises(KeyboardInterrupt):
        plugins.tell("harness_run_failed", run=None, message="m")


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0), ConfigError("a mistake")])
def test_a_plugin_that_raises_when_it_is_asked_is_named_and_a_mistake_passes_through(
    error: BaseException, install: Install
) -> None:
    def harness_check_dataset(dataset: Any) -> Iterable[str]:
        raise error

    plugins = install(FakePoint("x", plugin("x", harness_check_dataset=hookimpl(harness_check_dataset))))
    expected = "a mistake" if isinstance(error, ConfigError) else "plugin 'x' failed in harness_check_dataset"
    with pytest.raises(HarnessError, match=expected):
        list(plugins.ask("harness_check_dataset", competition=None, dataset=None))


def test_ask_runs_generators_inside_the_guard_and_may_be_left_early(install: Install) -> None:
    def harness_check_dataset(dataset: Any) -> Iterable[str]:
        yield "one"
        if dataset == "bad":
            raise ValueError("late")

    hook = hookimpl(harness_check_dataset)
    plugins = install(FakePoint("x", plugin("x", harness_check_dataset=hook)))
    answers = plugins.ask("harness_check_dataset", only=["x"], competition=None, dataset="good")
    assert next(iter(answers)) == ("x", ["one"])
    answers.close()  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match="ValueError: late"):
        list(plugins.ask("harness_check_dataset", only=["x"], competition=None, dataset="bad"))


# a competition's own plugin -----------------------------------------------------------------------------------------

LOCAL = """
from harness import hookimpl
from harness.data import TaskType
from harness.offers import ModelRecipe
from harness.params import NoParams


@hookimpl
def harness_models():
    yield ModelRecipe("{name}", "", frozenset(TaskType), NoParams, None)
"""


def local_plugin(folder: Path, text: str) -> Path:
    home = folder / "my-comp"
    home.mkdir()
    path = home / "plugin.py"
    path.write_text(text)
    return path


def test_local_plugin_offers_and_its_version_is_its_content(tmp_path: Path, install: Install) -> None:
    path = local_plugin(tmp_path, LOCAL.format(name="local.tree"))
    plugins = install(local=path)
    assert "local.tree" in plugins.offers(ModelRecipe)
    version = plugins.loaded[-1].version
    path.write_text(path.read_text() + "# changed\n")
    assert install(local=path).loaded[-1].version != version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module_xyz", "ModuleNotFoundError: No module named 'no_such_module_xyz'"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("def broken(:", "SyntaxError"),
        ("def harness_models():\n    return []\n", "lacks @hookimpl"),
    ],
)
def test_broken_local_plugin_is_an_error_with_its_path(text: str, words: str, tmp_path: Path, install: Install) -> None:
    path = local_plugin(tmp_path, text)
    with pytest.raises(PluginError) as caught:
        install(local=path)
    assert str(caught.value).startswith(f"{path} is broken: ")
    assert words in str(caught.value)


def test_two_managers_share_nothing(tmp_path: Path, install: Install) -> None:
    before = set(sys.modules)
    one = install(FakePoint("x", plugin("x", harness_models=models("x.tree"))))
    two = install()
    assert "x.tree" in one.offers(ModelRecipe)
    assert "x.tree" not in two.offers(ModelRecipe)
    assert not {name for name in set(sys.modules) - before if "fake" in name}


def test_describe_error_is_one_line() -> None:
    assert describe_error(ValueError("a\nb")) == "ValueError: a"
    assert describe_error(ValueError()) == "ValueError"
    assert describe_error(ConfigError("told already")) == "told already"
