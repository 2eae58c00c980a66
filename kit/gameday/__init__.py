"""Game days: a scenario is played on a running service, its alarms are watched, and all of it is written down.

``course`` folds the journal into what is going on and, at the end, into the verdict; it knows no clock and no network.
``runner`` does the rest in order, over the adapters beside it, and rolls back whatever happens.
"""
