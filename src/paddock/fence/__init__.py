"""Carries a plan out: builds the fence, starts the command in it, and takes it down again.

- ``ports``       what a running fence is to those who use it
- ``namespaces``  the first backend: namespaces, a mount tree, a network of its own
- ``launcher/``   the steps that build it, each able to describe itself
- ``inside/``     process 1 of the fence; standard library only
- ``guard/``      what hears of system calls while the command runs
- ``filter``      the static system call filter, as data
- ``kernel/``     thin wrappers of system calls, with the kernel's own names
"""
