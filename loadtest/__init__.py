"""What pushes on the shop: customers who browse, fill carts and pay, at a steady rate or in another shape.

``locust -f loadtest/locustfile.py`` is the door. This package imports nothing of the service or the kit: it sees the
shop as a customer does, over HTTP.
"""
