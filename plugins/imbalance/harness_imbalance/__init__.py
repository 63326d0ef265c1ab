"""Class imbalance: data source, features, models, rebalancers and corrections of probabilities."""
