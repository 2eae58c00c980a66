"""Failures on demand: faults that are set from outside, for a while, in one part of the traffic.

A control process of its own (``control.py``) writes what is set into a state file; every worker reads it
(``state.py``) and lets the faults that apply strike (``injection.py``). Nothing of this is imported unless
``FAULTS_ENABLED=1``. A new fault is a new file in ``faults/``: copy a sibling.
"""
