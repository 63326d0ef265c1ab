"""Protein sequences for the competition harness: ULMFiT and its peers."""

__version__ = "0.1.0"
