"""What fits routedb to programs and frameworks that were written for a driver.

`patch` rebinds the drivers' `connect`, for programs that stay as they are. The others
give a framework connections of ours: its settings come in, out goes what it opens. A
framework that needs nothing but `connect()` has no module here, only a page in docs/.
"""
