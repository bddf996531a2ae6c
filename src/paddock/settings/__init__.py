"""Where policy comes from.

- ``load``       the door: a request in, merged ``Settings`` out
- ``sources``    the places that are read, one function per scope; ``managed`` judges the administrator's files, ``places`` and ``gitfiles`` find the folders
- ``document``   JSON text to values with places; ``files`` reads it from disk
- ``table``      every key: type, default, class, scopes, merging, trust; ``types`` and ``shapes`` say what a value looks like, ``schema`` prints it
- ``validate``   a document against the table; ``mistakes`` guesses what was meant
- ``locks``, ``trust``, ``merge``   what does not count, what waits, what wins
- ``builtin``    Paddock's own defaults
- ``paths``      path entries to absolute patterns
- ``support``    what this release refuses or does not give
- ``truststore`` what people accepted
"""
