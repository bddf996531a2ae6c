"""System calls by ctypes: one prototype each, made once; the kernel's own names; every failure an ``OSError`` with its errno. No policy here.

- ``libc``       how a system call becomes a function
- ``numbers``    call numbers of each architecture, and audit architectures
- ``process``    namespaces, capabilities, prctl(2)
- ``mounts``, ``files``, ``landlock``, ``seccomp``, ``bpf``, ``signalfd``, ``netlink``, ``nftables``
"""
