"""Facts about this machine, found by asking it: the only reader of kernel versions, sysctls and installed libraries.

- ``facts``  what every plan needs, for next to nothing
- ``files``  the file system as the planner sees it
"""
