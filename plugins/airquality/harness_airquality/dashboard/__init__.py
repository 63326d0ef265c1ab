"""One self-contained HTML page of predictions: series, map, errors, importance and coverage; it works offline."""
