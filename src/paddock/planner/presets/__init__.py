"""What package managers need inside: their configuration without its secrets, a cache of the project's own, and, when asked for, the hosts they are set up for.

- ``base``     what a preset is given and what it gives back
- ``urls``     addresses: the login taken out, the host taken out
- ``ini``      configuration files of the ini family, line by line
- ``cache``    one private cache folder per project
- ``ssh``      drop-ins that ssh accepts inside
- ``certificates``  files of authorities that tools are told to trust
- ``npm``, ``yarn``, ``pip``, ``uv``, ``git``, ``apt``, ``cargo``, ``go``, ``maven``, ``gradle``   one tool (and its relatives) each
- ``toml``, ``secret``  files in TOML; names of settings that hold a login
- ``collect``  all of them for one plan

No registry's name stands in here. Where a tool is not configured, its own default is read from the data that it was installed with; nothing is ever run. What a
file of the project names waits until somebody accepted it with that very content (``Gives.address``).
"""
