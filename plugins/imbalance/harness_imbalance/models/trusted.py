"""Types of imbalanced-learn that a stored model may hold."""

from __future__ import annotations

IMBLEARN = (
    "imblearn.ensemble._easy_ensemble.EasyEnsembleClassifier",
    "imblearn.ensemble._forest.BalancedRandomForestClassifier",
    "imblearn.ensemble._weight_boosting.RUSBoostClassifier",
    "imblearn.pipeline.Pipeline",
    "imblearn.under_sampling._prototype_selection._random_under_sampler.RandomUnderSampler",
)
"""What fitted estimators of imbalanced-learn hold."""
