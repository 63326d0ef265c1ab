"""The parts of the built-in page of a run, each a function of data that returns HTML."""
