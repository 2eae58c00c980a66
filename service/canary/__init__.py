"""A probe of the shop's checkout, every few seconds, by the path that a customer takes.

It tells the two silences apart: no requests because nobody buys, and no requests because nobody can. Its program
(``python -m service.canary``) imports nothing of the shop and no AWS SDK client: all of it takes some 25 MB.

What it buys counts in the shop's own SLIs, like any purchase: leaving it out would need a header that the shop trusts,
which any client could send. It is told apart by ``User-Agent: canary`` and ``X-Client-Id: canary``, and its charges by
the test card ``tok_canary``. An alarm on missing traffic must therefore allow for one checkout an interval.
"""
