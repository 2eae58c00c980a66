"""One AWS operation a file: ``put_metric_data.py`` answers PutMetricData by ``handle(engine, params, context)``."""
