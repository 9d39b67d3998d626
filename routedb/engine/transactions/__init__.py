"""The transaction of one virtual connection, from its begin to a definite answer.

`transaction` has its state and its branches, `commit` ends it, branch by branch, and
`commit_check` asks a server what became of a commit that was not answered. In come
links and the user's commit or rollback; out goes nothing, or TransactionLost or
OutcomeUnknown.
"""
