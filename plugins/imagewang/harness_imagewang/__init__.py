"""Image网: pretext tasks on images without labels, then classification with few."""

__version__ = "0.1.0"
