"""The embedded AWS: CloudWatch, CloudWatch Logs and X-Ray in one process, with moto behind for other services.

The only way in is the AWS API over the wire; nothing here reads alarms/ or dashboards/.
"""
