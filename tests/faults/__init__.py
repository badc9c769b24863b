"""All is killed, stopped, cut off and put wrong while runs act on the world: nothing is lost, nothing done twice.

`make faults` is the long way (1,000 runs); `test_short.py` is the same with a few, for every test run. Both draw from
one seed, print it, and play the same schedule and the same runs again when it is given: `make faults SEED=7`.

workload    what each run does and what people do to it, from the seed
schedule    which fault comes when, from the seed
harness     the stack, the faults at their time, restarts, the end
people      who decides, answers, pauses, cancels, pays and says what became of calls in doubt, all over REST
watching    the budgets, looked at all the time
effects     tools, and the ledger that they keep outside every database
invariants  what must be true when all is over, each with its message
clock       how a worker's clock is put wrong
"""
