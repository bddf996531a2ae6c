"""System calls that the kernel tells the supervisor of (seccomp_unotify(2)).

- ``notify``    which calls, and reading and answering one report
- ``observe``   making events of refused file accesses; decides nothing
"""
