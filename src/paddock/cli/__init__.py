"""The command line: one file per verb.

- ``main``     picks the verb and turns every error into one message and one exit code
- ``options``  the options that ``run``, ``policy`` and ``trust`` share, as one table
- ``output``   the only place that prints
"""
