"""Studies: grids of methods, settings and seeds, trained and measured until all runs are done.

``spec`` reads what is asked for and ``plan`` makes a cell of each run; ``driver`` hands the cells
to an engine, whose workers do what ``work`` says. Run folders hold all results: ``table`` and
``plots`` are made from them. This file imports nothing, so that a study that is done answers
without waiting for torch.
"""
