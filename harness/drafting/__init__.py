"""A competition drafted from files: what plugins propose, and what the harness adds: split, metric, submission.

`draft` decides; `writing` turns the decisions into ``competition.toml`` and ``README.md``, with their reasons.
"""
