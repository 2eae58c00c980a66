"""Definitions onto an account: read what is live, plan as data, apply as planned. Speaks the AWS API only.

Read ``plan`` first (what a change is), then ``live`` and ``normalise`` (what is compared), then ``apply``.
"""
