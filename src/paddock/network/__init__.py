"""The gate: what a fenced command reaches on the network, and how it is told what it does not.

- ``gate``          takes over the fence's listening sockets, a thread for each connection; ``ports`` says which sockets
- ``desk``          what every door asks: ``names`` (synthetic addresses), ``decide`` (the lists), ``dial`` (resolve, vet, connect), ``tell`` (events)
- doors             ``capture`` (any TCP), ``http_door`` with ``exchange`` (explicit proxy), ``socks_door``, ``dns_door`` with ``dns`` (the fence's resolver)
- ``conversation``  one allowed connection: ``wire.sniff`` tells the protocol, ``greeting`` and ``plain`` look into it, ``relay`` moves the bytes
- ``refusal``       no, in the client's own protocol
- ``publish``       the other way round: inside ports on the host's loopback

Nothing is loaded before it is needed: the gate by the first connection or query, h11 by the first HTTP request, dnspython by the first query.
"""
