"""`make sam-local`: the built functions in Lambda's own containers, run by SAM CLI, with this machine's stores."""
