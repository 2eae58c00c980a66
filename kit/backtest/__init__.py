"""Alarms tried out on data that is given: cases from files, and what stood behind the state of a live alarm.

Read it in this order: ``source`` (the given series), ``timeline`` (all alarms on a virtual clock), ``claims`` (what was
expected against what came), ``outcome`` (a case run), ``pictures`` (a failure, made visible).
"""
