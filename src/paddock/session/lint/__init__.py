"""``paddock lint``: settings that load and still do not do what somebody meant.

- ``finding``   what a rule is, what it finds, and what it gets to look at
- ``table``     every rule, and the pages that are made from it
- ``rules``, ``never``, ``shadows``, ``broad``, ``network``, ``places``, ``scan``   the rules, by what they are about
- ``index``, ``hidden``   which rules may contain another; whether a path can be read
- ``known``     hosts, programs, sockets and folders that the rules know by name
- ``examples``  for each rule a file that triggers it, a near miss, and what silences it
- ``reading``   from files to findings; ``mend`` the fixes, proved before anything is written
"""
