"""From settings to one plan: what they mean, what this host has, what the fence shall do.

- ``meaning``      settings -> policy, without a look at the host
- ``view``         the host's file system, every question asked once, links resolved
- ``tree``         rules as marks on paths; the sweep that turns marks into places
- ``layout``       file rules on this host: reads, writes, what is absent
- ``names``, ``scan``, ``protect``, ``git``, ``gitconfig``   names that tools run or believe later, found and kept read-only
- ``globs``        patterns become what exists
- ``environment``  the variables inside
- ``private_files`` files that exist only inside
- ``require``      what this host must be able to give
- ``plan``         all of it, put together
"""
