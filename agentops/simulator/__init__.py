"""A Messages API over HTTP that plays scripted agents, for demo, tests and benchmarks. It keeps no state."""
