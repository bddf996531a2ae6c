"""Builds the fence, step by step. Each step describes itself, so the same list runs, is shown by ``--dry-run`` and names what failed.

- ``process``      the two processes that carry the steps out
- ``namespaces``   namespaces and ids
- ``network``, ``ruleset``   the fence's own network and what is captured of it
- ``tree``, ``areas``, ``places``, ``streams``   the file system: root, areas of the fence's own, the plan's places, passed files
- ``lockdown``     giving everything up
- ``limits``       the one limit that needs a cgroup
- ``state``, ``report``, ``hints``   what steps share, how they report, what a failure means
"""
