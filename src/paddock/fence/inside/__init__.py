"""What runs inside a fence beside the command. Standard library only, nothing of ours: it must not load anything once the fence stands.

- ``keeper``   process 1
"""
