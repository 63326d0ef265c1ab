"""How the built-in figures are drawn: numbers apart from ink, one file per figure."""
