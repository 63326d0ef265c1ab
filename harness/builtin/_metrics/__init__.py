"""What the built-in metrics compute; `harness.builtin.metrics` offers it."""
