"""What cures a trial that fails: remedies as changes of a trial, trained beside it on the same seeds."""
