"""Web pages over the AWS API: alarms and dashboards as they stand in the account, refreshed live."""
