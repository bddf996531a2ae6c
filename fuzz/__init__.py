"""A small fuzzer for everything that reads bytes from inside the fence, and for what reads a project's files.

- ``engine``   mutations, the search, making a failing input small: knows no target
- ``targets``  what is fed, which errors are documented, who is the oracle
- ``seeds/``   where a search begins; the regular suite replays them, so a mended failure becomes a seed
"""
