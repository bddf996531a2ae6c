"""System calls that the standard library lacks, under the kernel's own names. One prototype per call, one error path, no policy.

- ``libc``, ``numbers``   how a call is made, and its number on each architecture
- ``mounts``, ``files``   mounts and paths by descriptor
- ``process``             namespaces, capabilities, attributes, descriptors, memory of others
- ``landlock``            the fence around writing
- ``bpf``, ``seccomp``    filters: assembling and installing
- ``netlink``, ``nftables``   link, addresses, routes; the ruleset
- ``signalfd``            signals as descriptors
"""
