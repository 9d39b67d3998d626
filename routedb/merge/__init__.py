"""The running of plans over several groups: see `routedb.planner` for what they are.

The executor comes here with a plain read outside of transactions that no one group can
answer (`routedb.engine.run.executor`). A refusal by the planner, or by what is here,
raises the error that there was without it, with the reason added.

Parts: `placements` says where the tables of a text are; `catalogs` asks the databases
for their columns, by a text for each engine (`sqlite_catalog` and its kin); `fragments`
runs what is asked of the groups, each as a plain read of one group is run: role,
consistency, fail-over, tokens; `answers` makes the result of STREAM and COMBINE of the
rows that came; `coming` keeps the rows for a remainder, and `working` has it run on an
engine of the statement's dialect: with the rows in its text (`postgresql_work` and its
kin), or in temporary tables (`tables_work`, with `loading`, on a `scratch` link);
`merger` puts them together. `written` writes what a query gives, `created` makes a
table of it, both by `putting`: read by `reading`, brought there by `bringing`. `copied`
copies it to the program's file.
"""
