"""Adapters for coding agents: their hook protocols and their configuration files, in terms of the session.

- ``event``        what a hook is told, read strictly
- ``fencing``      a shell command rewritten so that it runs inside the fence
- ``claude_code``  the answers of Claude Code's hooks
- ``inside``       agents that run inside as a whole, and what each of them needs there
"""
