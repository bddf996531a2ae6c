"""Permission rules: what they say, what they mean for the fence, and what they say about one use of a tool. Pure.

- ``grammar``      the words of a rule ``Tool(specifier)``, and the anchors of its path
- ``rule``         the feed of path and host rules into the fence, and which rules do nothing
- ``match``        whether path rules speak about a path
- ``classify``     which form a rule has, and what was probably meant
- ``shell``        what a command line consists of
- ``patterns``     patterns of commands; ``ruleset`` all rules of an agent, ready to be asked
- ``commandline``  one line under the rules; ``critical``, ``protected``, ``readonly``, ``inner`` are its questions
- ``decide``       the one decision about one call, in the published order; ``world`` is what it depends on
- ``hosts``        connections when somebody could be asked
- ``hooks``        what hooks of the settings say; ``servers`` which MCP servers may be loaded
"""
