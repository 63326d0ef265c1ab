"""Data that needs no download: simulated families, and real proteins of viruses from an installed package."""
