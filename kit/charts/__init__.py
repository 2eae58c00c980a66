"""Dashboard widgets and alarms as charts: body -> GetMetricData queries, and answers -> Vega-Lite. Pure."""
