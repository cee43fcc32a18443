"""Fuzz targets that are regression tests the rest of the time."""

def cc_fuzz_test(name, srcs, corpus = [], deps = [], **kwargs):
    """A test that feeds each corpus file to LLVMFuzzerTestOneInput().

    To look for new inputs, build with --config=fuzz and run the binary:

      bazel build --config=fuzz //p:x_fuzz
      bazel-bin/p/x_fuzz -max_total_time=60 <folder to keep inputs in>

    Args:
      name: the cc_test's name.
      srcs: what defines LLVMFuzzerTestOneInput().
      corpus: input files of this package, e.g. a glob().
      deps: C++ libraries.
      **kwargs: other attributes of the cc_test.
    """
    native.cc_test(
        name = name,
        srcs = srcs,
        # -runs=0: with nothing to replay, libFuzzer would fuzz without end.
        args = select({
            "//tools/bazel:fuzzing": ["-runs=0"],
            "//conditions:default": [],
        }) + ["$(location %s)" % file for file in corpus],
        data = corpus,
        linkopts = select({
            "//tools/bazel:fuzzing": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//tools/bazel:fuzzing": [],
            "//conditions:default": ["//tools/bazel:fuzz_replay_main"],
        }),
        **kwargs
    )
