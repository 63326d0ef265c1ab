"""Networks trained with fastai, for the plugins that train some: callbacks, seeds, threads, precision.

Nothing here is offered by itself, and the core does without it: a plugin that imports it depends on torch and fastai.
"""
