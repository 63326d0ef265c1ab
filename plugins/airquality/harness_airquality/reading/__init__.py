"""Station tables from files: what stands in them, typed and checked, with every policy counted."""
