"""Words of eight bytes at any place of a byte buffer, for compiled code: NumPy arrays offer none.

Cached machine code that uses them does not notice a change here.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic


@intrinsic
def store(typingctx, text, at, word):
    """The 8 bytes of a word at text[at], which need not be aligned; nothing is checked."""
    if not (isinstance(text, types.Array) and text.dtype == types.uint8):
        return None

    def code(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        place = builder.bitcast(place, arguments[2].type.as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(text, types.int64, types.uint64), code


@intrinsic
def load(typingctx, text, at):
    """The word whose 8 bytes are at text[at]; see `store`."""
    if not (isinstance(text, types.Array) and text.dtype == types.uint8):
        return None

    def code(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        kind = context.get_value_type(types.uint64)
        return builder.load(builder.bitcast(place, kind.as_pointer()), align=1)

    return types.uint64(text, types.int64), code
