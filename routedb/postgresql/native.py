"""psycopg2's methods as a subclass's own, so that CPython calls them as fast.

The interpreter has a short cut for calling a C method without arguments, and takes it
where the object is exactly of the class that the method's descriptor was made for
(PRECALL_NO_KW_METHOD_DESCRIPTOR_NOARGS in CPython 3.11's Python/ceval.c). What a
subclass inherits goes the long way, ten nanoseconds more for each call: a fifth of what
`fetchone` takes for a short row; with arguments, that its class is a subclass has to be
found out. So the subclass gets a descriptor of its own, of the same function, by the C
API's `PyDescr_NewMethod`.
"""

from __future__ import annotations

import ctypes
import sys
from types import MethodDescriptorType
from typing import Any

# Where a method descriptor keeps its PyMethodDef: after the object's head (two words),
# the class, the name and the qualified name; a word of its own follows.
_WORD = ctypes.sizeof(ctypes.c_void_p)
_AT = 5 * _WORD
_IS_AS_EXPECTED = (
    sys.implementation.name == "cpython"
    and object.__basicsize__ == 2 * _WORD
    and MethodDescriptorType.__basicsize__ == _AT + 2 * _WORD
)


def make_own(kind: type, name: str) -> None:
    """Give the class `kind` the C method `name` that it inherits as its own. Where this
    interpreter is not built as expected, it goes on inheriting it."""
    inherited: Any = getattr(kind, name)
    if not (_IS_AS_EXPECTED and type(inherited) is MethodDescriptorType):
        return
    definition = ctypes.c_void_p.from_address(id(inherited) + _AT).value
    if definition and ctypes.c_char_p.from_address(definition).value == name.encode():
        make = ctypes.pythonapi.PyDescr_NewMethod
        make.restype, make.argtypes = (
            ctypes.py_object,
            (ctypes.py_object, ctypes.c_void_p),
        )
        setattr(kind, name, make(kind, definition))
