"""C++ headers and binary schemas from FlatBuffers schemas."""

_FLATC_CPP = "flatc --cpp --scoped-enums --reflect-names --keep-prefix"

def flatbuffer_cc_library(name, srcs, includes = [], deps = [], **kwargs):
    """Makes "x_generated.h" for each "x.fbs", as a library called `name`.

    The binary schemas (x.bfbs) are the filegroup `name` + "_bfbs".

    Args:
      name: the cc_library's name.
      srcs: the .fbs files, of this package.
      includes: the .fbs files that srcs include, by their path from the
        workspace's root or from their own folder.
      deps: the flatbuffer_cc_library targets of `includes`.
      **kwargs: attributes common to all rules, such as visibility.
    """
    flags = " -I . -o $(RULEDIR) $(SRCS)"
    headers = [src.replace(".fbs", "_generated.h") for src in srcs]
    schemas = [src.replace(".fbs", ".bfbs") for src in srcs]

    # $(SRCS) holds only what is to be compiled; the included schemas ride in
    # `tools`, which the sandbox shows to flatc just the same.
    native.genrule(
        name = name + "_headers",
        srcs = srcs,
        outs = headers,
        cmd = _FLATC_CPP + flags,
        message = "Generating FlatBuffers headers",
        tools = includes,
    )
    native.genrule(
        name = name + "_schemas",
        srcs = srcs,
        outs = schemas,
        cmd = "flatc --schema --binary --bfbs-comments" + flags,
        message = "Generating FlatBuffers schemas",
        tools = includes,
    )
    native.filegroup(
        name = name + "_bfbs",
        srcs = schemas,
        **kwargs
    )
    native.cc_library(
        name = name,
        hdrs = headers,
        deps = deps + ["@flatbuffers"],
        **kwargs
    )
