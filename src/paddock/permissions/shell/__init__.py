"""What a shell command line consists of. Pure: nothing is expanded, run or looked up.

- ``line``     the parts: words, redirections, simple commands
- ``joining``  line continuations, and text that no two readers understand in the same way
- ``split``    a line into its simple commands, on a real grammar
- ``words``    what one word means before expansion
- ``wrappers`` programs that only start another one
"""
