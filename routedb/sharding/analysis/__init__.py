"""From sqlglot's tree to the conditions on shard keys that every row must meet.

In comes a text with the rules of its tables, out goes its `ShardPlan`. It imports
sqlglot, so it is itself imported when the first statement is analysed.
"""
