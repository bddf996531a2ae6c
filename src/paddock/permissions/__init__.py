"""Permission rules: what they say and what they mean for the fence. Pure.

- ``rule``   the grammar ``Tool(specifier)``, path anchors, and the feed of path and host rules into the fence
"""
