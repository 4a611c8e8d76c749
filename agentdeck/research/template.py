"""The research.toml that `agentdeck research init` writes: every key, with what it means."""

TEXT = """\
# What a loop may do here, and how its experiments are measured. `agentdeck research start` approves this very text.
# Commands are yours: they run by `sh -c`, in a fresh checkout of this directory, with a private HOME and no secrets.

run = "python3 train.py"           # one experiment; reads RESEARCH_SEED and RESEARCH_BUDGET (seconds)
goal = "program.md"                # what you want, in words; the proposer reads it
editable = ["train.py"]            # all that a proposal may change
# protected = ["prepare.py"]       # never editable, even where a glob above matches
# preflight = "python3 -c 'import numpy'"   # fails: the loop asks you, and counts no experiment
# score = "python3 score.py"       # measures apart: a checkout of what is not editable, and the run's `artifacts`
# artifacts = ["model.npz"]        # an editable file too, such as "model.py", when score needs it
# hidden = ["validation.txt"]      # in no run's checkout; `score` finds them in the directory RESEARCH_HIDDEN
# audit = "python3 score.py"       # the same for a split that is looked at when something is kept
# hidden_audit = ["audit.txt"]
# seeds = [42]                     # the first ones; then they are counted on
# forbid = ["(?i)\\\\bseed\\\\b"]      # lines that match may not be changed; the seed is the harness's
# env = []                         # variables of your environment that a run may see
# writable = []                    # absolute directories outside its own that a run may write into
# network = true                   # false: a run is cut off, or does not start
# device = "0"                     # CUDA_VISIBLE_DEVICES of a run

[metric]
name = "loss"
regex = '^loss: ([-+0-9.eEnaif]+)$'   # must match exactly once in what score (or run) prints; or json = "a.path"
direction = "lower"
# low = 0.0                        # a value out of range is a crash
# high = 100.0

[budget]
seconds = 60.0
clock = "wall"                     # wall, cpu (all processes together) or steps
# hard = 130.0                     # seconds after which everything is ended; 0: twice the budget and ten
# score_seconds = 60.0             # how long score and audit may take
# tolerance = 1.5                  # past so many times the budget the result does not count

[noise]
policy = "confirm"                 # fast: one run decides. confirm: pairs of runs, until it is no luck
# repeats = 4                      # runs of the baseline, the first estimate of the noise
# pairs = 5
# z = 3.0                          # standard errors

[proposer]
kind = "random"                    # random, scripted (script), harness (harness, model) or command
# harness = "builtin"              # any of `agentdeck harnesses` that works without a terminal
# command = "my-proposer"          # edits the current directory, reads the prompt on standard input
# script = "steps.toml"            # of a scripted one: [[step]] with hypothesis and edit = [{ file, old, new }]
# seconds = 900.0
# usd = 0.0                        # a proposal that costs more asks you first
# patience = 8                     # so many in a row that cannot be measured ask you too
# backoff = 2.0                    # seconds to wait after the first of them, doubled after each further one

[stop]                             # 0: never
experiments = 100
# hours = 0.0
# usd = 0.0
# plateau = 0                      # so many experiments without a keep
# target = 0.5                     # a value that is good enough

# [limits]
# memory_mb = 8192
# disk_mb = 1024
# log_mb = 16
# processes = 64                   # at once

# [[constraints]]                  # a second number that must stay in range; memory_mb is measured by itself
# name = "memory_mb"
# times_baseline = 1.2             # or low and high
# [[constraints]]
# name = "accuracy"
# regex = '^accuracy: (.+)$'
# low = 0.9
"""

GOAL = """\
# Goal

Say what should get better, what may be tried, and what must stay as it is.
"""
