"""What to train on a table nobody has tuned anything for: a few models of different kinds, each in seconds."""

from __future__ import annotations

from harness.competition import Strategy, Use
from harness.data import TaskType

CELLS = 20_000_000
"""Numbers in the table of words, at most: 160 MB."""
FEWEST_WORDS, MOST_WORDS = 100, 2000
TOPICS = 30
BOOSTING = Use("imbalance.catboost", {"iterations": 200, "learning_rate": 0.08, "depth": 4})


def strategies_for(task: TaskType, rows: int, texts: int, others: bool = False) -> tuple[Strategy, ...]:
    """Choose strategies.

    Parameters
    ----------
    rows : int
        Training rows.
    texts : int
        Columns of free text.
    others : bool
        Whether there are other columns beside them.
    """
    if not texts:
        return _of_columns(task)
    told = "gradient boosting on the columns without the texts"
    plain = Strategy("catboost", BOOSTING, features=Use("imbalance.columns"), description=told)
    return (*_of_texts(task, rows, texts), *([plain] if others else []))


def _of_columns(task: TaskType) -> tuple[Strategy, ...]:
    forest = Use("imbalance.random_forest", {"trees": 100, "min_leaf": 2})
    return (
        Strategy("catboost", BOOSTING, description="gradient boosting that reads categories as they are"),
        Strategy("random-forest", forest, description="averaged trees"),
        _linear(task),
    )


def _linear(task: TaskType) -> Strategy:
    told = "columns imputed, scaled, one-hot"
    if task is TaskType.REGRESSION:
        return Strategy("ridge", Use("imbalance.ridge", {"alpha": 10.0}), description=f"linear regression, {told}")
    model = Use("imbalance.logistic_regression", {"C": 0.3})
    return Strategy("logistic-regression", model, description=f"logistic regression, {told}")


def _of_texts(task: TaskType, rows: int, texts: int) -> tuple[Strategy, ...]:
    words = max(FEWEST_WORDS, min(MOST_WORDS, CELLS // (rows * texts)))
    if task is TaskType.REGRESSION:
        linear = Use("imbalance.ridge", {"alpha": 1.0, "scale": False})
    else:
        linear = Use("imbalance.logistic_regression", {"C": 10.0, "scale": False})
    return (
        Strategy(
            "words-linear",
            linear,
            features=Use("imbalance.text", {"words": words}),
            description="TF-IDF of words and pairs of words, a linear model",
        ),
        Strategy(
            "topics-boosting",
            BOOSTING,
            features=Use("imbalance.text", {"words": words, "topics": TOPICS}),
            description=f"the same reduced to {TOPICS} topics, gradient boosting",
        ),
    )
