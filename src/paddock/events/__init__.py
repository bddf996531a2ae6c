"""What happened: remembered during a run, kept on disk, read back.

- ``memory``  the sink of one run: numbers, counts, limits
- ``log``     the file that every run appends to, rotated
- ``reader``  the same file, newest first
- ``record``  one event as a JSON object and back: the public format
- ``place``   the folder and files of the log, opened so that nobody else can have a hand in them

The rooms that emit events know none of these: they get an ``EventSink`` (``model.events``).
"""
