"""Hearing of system calls while they wait (seccomp_unotify(2)).

- ``notify``   the filter that hands calls over, and how they are read and answered
- ``observe``  tells about refused file accesses; it decides nothing
"""
