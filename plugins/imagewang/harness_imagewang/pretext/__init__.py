"""Pretext tasks, one module each: what goes in, what is to be predicted, how it is judged and shown.

A module here that defines a subclass of `harness_imagewang.pretext.protocol.Pretext` with a name adds that task; there
is no list to add it to.
"""
