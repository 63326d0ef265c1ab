"""Built-in offers and hooks: plugins like any other, through the same door."""
