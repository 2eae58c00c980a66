"""The write-up of a run, or of any span of time: every number from telemetry, causes and actions left to people.

``gather`` asks AWS, the inbox and the run folder; what follows from the answers is worked out by pure functions
(``impact``, ``moments``, ``first_signal``, ``timeline``, ``stories``, ``waterfall``); ``document`` fills the template
and ``folder`` writes without ever touching what people wrote.
"""
