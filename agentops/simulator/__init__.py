"""A Messages API over HTTP that plays scripted agents: for the demo, the tests and the benchmarks. It keeps no state."""
