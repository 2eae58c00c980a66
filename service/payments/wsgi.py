"""What gunicorn serves: ``service.payments.wsgi:app``."""

from __future__ import annotations

import os

from service.payments.app import create_app
from service.settings import read_payments

app = create_app(read_payments(os.environ))
