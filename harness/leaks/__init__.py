"""What in a data set would make scores too good: one file for each kind of leak, `scan` runs them all.

A check is a function of a `material.Material` that yields `harness.findings.Finding` records. It says nothing where it
cannot tell, and what it measures is out of fold: on the competition's own folds, corrected for the number of things
looked at.
"""
