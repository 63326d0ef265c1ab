"""How the built-in splitters cut rows; `harness.builtin.splits` offers them."""
