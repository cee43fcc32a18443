"""Fuzz targets that are regression tests the rest of the time."""

def cc_fuzz_test(name, srcs, corpus, deps = [], **kwargs):
    """A test that feeds each corpus file to LLVMFuzzerTestOneInput().

    To look for new inputs, see tools/fuzz.sh, or build with --config=fuzz and
    run the binary:

      bazel build --config=fuzz //tests/fuzz:x_fuzz
      bazel-bin/tests/fuzz/x_fuzz -max_total_time=60 NEW tests/corpus/x_fuzz

    which keeps what it finds in the folder NEW.

    Args:
      name: the cc_test's name.
      srcs: what defines LLVMFuzzerTestOneInput().
      corpus: label of the input files, a filegroup that is not empty.
      deps: C++ libraries.
      **kwargs: other attributes of the cc_test.
    """
    native.cc_test(
        name = name,
        srcs = srcs,
        args = ["$(locations %s)" % corpus],
        data = [corpus],
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
