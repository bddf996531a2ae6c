"""Carries a plan out.

- ``ports``        what a fence is to those who use it
- ``namespaces``   the backend made of the kernel's own means: ``start(plan, events)`` gives a running fence
- ``filter``       the static system call filter, as data
- ``kernel``       thin wrappers of system calls
- ``launcher``     the steps that build a fence, each able to describe itself
- ``inside``       process 1; standard library only
- ``guard``        what the supervisor is told of by the kernel: refused file accesses
"""
