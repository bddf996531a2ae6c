"""The conductor: the only room that knows all the others.

- ``prepare``    settings, policy and plan of one command
- ``run``        a plan carried out: fence, gate, observer, log
- ``supervise``  the loop that waits for all of them at once
- ``trust``      what a project's files widen, shown and accepted
- ``show``       policy and plan as tables
"""
