"""Deterministic simulation: the whole program between two emulated deployments, in a world that a seed decides.

    python -m tests.simulation --seeds 10000            look for violations on all cores
    python -m tests.simulation --seed 4711 --trace      replay one seed, event by event

Real: the command's sequence, engine, checkpoint (SQLite on files), senders, login, the wire up to aiohttp's session,
the emulator's routes and tables. Simulated: time, sockets, worker threads, signals, death, the disk's memory.

    simulate.py   one seed: a world, lives of the program that end badly, a calm one that must end well
    draw.py       what a seed decides; every kind of trouble is switched on or off per seed (swarm)
    clock.py      virtual time and what happens in the world at its moments
    loop.py       an event loop that never waits; it kills its process at a chosen step
    life.py       one process from start to death;  machine.py its threads and its disk
    network.py    aiohttp's session: request, trouble on the way, answer;  server.py the emulator without sockets
    faults.py     the trouble on the way                                  ADD A FAULT: one row there
    history.py    what the source is born with
    living.py     the tools with which both sides change
    source_changes.py, target_changes.py     what changes                 ADD A CHANGE: one row there
    truth.py      every version a run of the source ever had
    invariants.py what must hold (with holding.py)                        ADD A PROMISE: one function there
    bugs.py       planted bugs that must be found                         ADD A BUG: one function there

A kind is added by giving its rows to ``history.py`` (birth) and ``source_changes.py`` (change): truth and invariants
walk ``transfer.kinds.KINDS``. A side is another ``Deployment``.
"""
