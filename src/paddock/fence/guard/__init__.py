"""System calls that wait for an answer (seccomp_unotify(2)): names that may not be made or filled, and what is told about refusals.

- ``notify``   the filter that hands calls over, and how they are read and answered
- ``caller``, ``walk``  looking at the caller, and from its path to a directory that is held open
- ``check``, ``git``    may this name be made or written there
- ``act``      the call, carried out for the caller
- ``serve``    the loop
- ``scout``, ``observe``  the two halves of telling: in the guard, in the supervisor
"""
