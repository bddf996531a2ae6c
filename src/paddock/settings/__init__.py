"""Where policy comes from.

- ``load``        the door: a request in, merged ``Settings`` out; ``gathered`` is what travels between the steps
- ``sources``     the places that are read, one function per scope; ``managed``, ``places`` and ``gitfiles`` find them
- ``administrators``  the administrator's sources: ``tier`` chooses among them, ``helper`` runs a policy helper, ``ospolicy`` knows macOS and Windows
- ``document``    JSON text to values with places; ``files`` reads it from disk
- ``table``       every key: type, default, class, scopes, merging, trust; ``types`` and ``shapes`` check values, ``schema`` and ``examples`` show them
- ``validate``    a document against the table; ``mistakes`` guesses what was meant, ``repair`` decides what follows
- ``locks``, ``trust``, ``merge``   what does not count, what waits, what wins
- ``overrides``   where a run is stricter than the documented semantics, by name
- ``builtin``     Paddock's own defaults
- ``paths``       path entries to absolute patterns
- ``support``     what this release refuses or does not give; ``start`` and ``agent`` explain what settings only seem to do
- ``truststore``  what people accepted
"""
