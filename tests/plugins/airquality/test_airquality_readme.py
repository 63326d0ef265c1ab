"""The competition file that the plugin's README shows can be used as it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from harness.competition_file import parse_competition
from harness.offers import Adjuster, DatasetSource, Features, Metric, ModelRecipe, Splitter
from harness.params import parse_params
from harness.plugins import load_plugins

README = Path(__file__).parents[3] / "plugins/airquality/README.md"


def test_the_competition_file_of_the_readme_names_what_there_is():
    (text,) = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    competition, plugins = parse_competition(tomllib.loads(text), Path("sensors")), load_plugins()
    (strategy,) = competition.strategies
    uses = [(Splitter, competition.split), (Features, strategy.features), (ModelRecipe, strategy.model)]
    for kind, use in [*uses, *((Adjuster, adjuster) for adjuster in strategy.adjusters)]:
        parse_params(plugins.find(kind, use.name, "README").params, use.params, "README")
    source = plugins.find(DatasetSource, competition.data.source, "README")
    parse_params(source.params, competition.data.params, "README")
    assert [plugins.find(Metric, name, "README").name for name in competition.metrics] == list(competition.metrics)
