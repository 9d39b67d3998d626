"""The mover: does on servers what `routedb.moving` decides.

A file a subject: `catalogs` ask what a table is, `sessions` are its connections,
`state` is what a move has in the home database, `streams` copy and follow, `verifier`
compares, `cutover` locks, fences and flips, `moves` has a function for each verb.
"""
