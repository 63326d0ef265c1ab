"""Tables of numbers and categories, for the plugins that read them: files, typed columns, encoders, models.

Nothing here is offered by itself: a plugin's data source reads with `files` and `columns`, its models are a
`model.TableModel` around an engine.
"""
