"""The embedded CloudWatch of one Region: metrics, alarms and dashboards.

``engine`` holds the parts together, ``operations/`` has one file per AWS operation, found by its name.
"""
