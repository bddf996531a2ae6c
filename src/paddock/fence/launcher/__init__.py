"""The steps of a launch, in the order in which ``process`` carries them out.

- ``process``     the two processes, launcher and keeper, and who does what
- ``namespaces``  new namespaces and id maps
- ``network``, ``ruleset``  loopback, addresses, routes, capture, the listeners that go to the gate
- ``tree``, ``areas``, ``places``  the mount tree: the root, the fence's own areas, the places of the plan
- ``limits``, ``lockdown``  what process 1 gives up before it says that it is ready
- ``report``, ``hints``  what is told to the supervisor when a step fails
"""
