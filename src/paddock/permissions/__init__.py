"""Permission rules: what they say and what they mean for the fence. Pure.

- ``grammar``  the words of a rule ``Tool(specifier)``, and the anchors of its path
- ``rule``     the feed of path and host rules into the fence, and which rules do nothing
- ``match``    whether path rules speak about a path
"""
