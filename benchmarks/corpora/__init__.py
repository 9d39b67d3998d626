"""SQL that nobody wrote for routedb, and judges that share nothing with its reader.

`sources` says which suites there are and how each is had, `obtain` gets them, the
`…_scripts` take their files apart, the `…_judge`s say of each statement what its own
server's parser, or the server, makes of it, and `compare` counts where routedb differs.
"""
