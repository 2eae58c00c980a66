"""CloudFormation: moto reads templates and answers its API; here are the types of CloudWatch, made in our own engines,
and how a stack is created, updated, rolled back and deleted.

Only ``calls``, ``offerings`` and ``stacks`` may be imported before moto is: importing the others imports it.
"""
