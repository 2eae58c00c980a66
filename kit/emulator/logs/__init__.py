"""The embedded CloudWatch Logs of one Region: groups, streams, events, filter patterns, and metrics embedded in events.

``engine`` holds the groups, ``operations/`` has one file per AWS operation, found by its name.
"""
