"""What gunicorn serves: ``service.shop.wsgi:app``."""

from __future__ import annotations

import os

from service.settings import read_shop
from service.shop.app import create_app

app = create_app(read_shop(os.environ))
