"""How features are made of a table of stations: one kind a file, put together by `transformer`."""
