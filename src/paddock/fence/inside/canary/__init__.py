"""What ``paddock verify`` runs inside a fence: acts that must be refused, each with a twin that must work.

Standard library and this folder only: the sources are handed to an interpreter as text, because Paddock's own files need not be visible inside. The program
gets one JSON object, ``{"numbers": {name: system call number}, "canaries": [[name, verb, arguments…]]}``, and answers each canary at once with a line of JSON
on standard output: ``{"name": …, "said": [[what, word], …], "twin": word}``. A word is ``ok``, the name of an errno, or what was found. Nothing here judges:
that is done outside, by comparing with what was to be expected and with what was noticed there.

Every act is made so that it does no harm where a fence does not hold: files are made under names of their own and removed again, signals are ones that do
nothing to whoever did not ask for them, system calls get arguments that the kernel refuses by itself.
"""
