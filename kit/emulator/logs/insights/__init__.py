"""Logs Insights queries: the commands that dashboards live by. What is not here is refused as malformed, by name."""
