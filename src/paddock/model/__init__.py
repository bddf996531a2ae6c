"""The nouns: frozen data that the rooms hand to each other. No I/O, no clock, no environment.

- ``settings``  what the files say, merged, with the place each value came from
- ``policy``    what that means: files, network, environment, limits
- ``plan``      what to do about it on this host
- ``events``    what happened while a command ran
- ``usage``     what a run took from the machine
- ``hosts``     names and addresses: one canonical form, one matcher
- ``paths``     absolute paths compared by components, never by string prefix
"""
