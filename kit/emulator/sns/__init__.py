"""What moto's SNS lacks: HTTP subscriptions that are confirmed, retried and never leave this machine unasked."""
