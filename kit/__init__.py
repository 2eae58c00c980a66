"""The starter kit's own tool: an embedded AWS, plans and applies definitions, draws dashboards."""
