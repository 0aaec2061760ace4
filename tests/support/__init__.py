"""What the end-to-end tests, the differential runner and the benchmarks share: environments, processes, the command."""
