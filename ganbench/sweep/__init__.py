"""From a suite file to finished tables: the strict reader, the plan, the executor and the run."""
