"""The embedded X-Ray of one Region: traces, their summaries, filter expressions and sampling.

``engine`` holds the traces, ``operations/`` has one file per AWS operation, found by its name.
"""
