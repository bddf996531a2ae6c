"""Parsers without I/O and without policy: bytes in, facts out, bounded in time and space whatever comes.

- ``sniff``  TLS, HTTP or neither, from the first bytes
- ``tls``    what a ClientHello says in the clear
- ``http``   request heads and bodies, one after the other
- ``socks``  the SOCKS5 greeting and request
"""
