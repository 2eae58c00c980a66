"""What a CloudWatch alarm or graph makes of the data: pure arithmetic, no clock, no I/O, standard library only.

Read it in this order: ``distribution`` (the samples of one period), ``statistics`` (one number out of them), ``series``
(such numbers on a grid), ``expression`` and ``functions`` (metric math), ``query`` (a GetMetricData request), ``alarm``
and ``composite`` (a state and its reason).
"""
