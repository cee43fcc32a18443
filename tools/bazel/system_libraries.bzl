"""The Debian -dev packages as Bazel repositories.

The compiler finds their headers in /usr/include as system headers, so that a
target here says only what to link and define. A package that is not installed
breaks the targets that use it and no other.
"""

# repository -> {target: cc_library attributes}
_LIBRARIES = {
    "boost_program_options": {
        "boost_program_options": {"linkopts": ["-lboost_program_options"]},
    },
    "com_google_googletest": {
        "gtest": {"linkopts": ["-lgmock", "-lgtest", "-pthread"]},
        "gtest_main": {"linkopts": ["-lgmock_main"], "deps": [":gtest"]},
    },
    "cpp_httplib": {
        "cpp_httplib": {
            # What Debian compiled the library with.
            "defines": [
                "CPPHTTPLIB_BROTLI_SUPPORT",
                "CPPHTTPLIB_OPENSSL_SUPPORT",
                "CPPHTTPLIB_ZLIB_SUPPORT",
            ],
            "linkopts": ["-lcpp-httplib", "-lssl", "-lcrypto", "-pthread"],
        },
    },
    "curl": {
        "curl": {"linkopts": ["-lcurl"]},
    },
    "flatbuffers": {
        "flatbuffers": {"linkopts": ["-lflatbuffers"]},
    },
    "google_benchmark": {
        "benchmark": {"linkopts": ["-lbenchmark", "-pthread"]},
        "benchmark_main": {
            "linkopts": ["-lbenchmark_main"],
            "deps": [":benchmark"],
        },
    },
    "leveldb": {
        "leveldb": {"linkopts": ["-lleveldb"]},
    },
    "lmdb": {
        "lmdb": {"linkopts": ["-llmdb"]},
    },
    "nlohmann_json": {
        "nlohmann_json": {},
    },
    "openssl": {
        "crypto": {"linkopts": ["-lcrypto"]},
        "ssl": {"linkopts": ["-lssl"], "deps": [":crypto"]},
    },
    "re2": {
        "re2": {"linkopts": ["-lre2"]},
    },
    "rocksdb": {
        "rocksdb": {"linkopts": ["-lrocksdb"]},
    },
    "simdjson": {
        "simdjson": {"linkopts": ["-lsimdjson"]},
    },
    "sodium": {
        "sodium": {"linkopts": ["-lsodium"]},
    },
    "sqlite3": {
        "sqlite3": {"linkopts": ["-lsqlite3"]},
    },
    # Inlined, so that hashing small fixed-size fields costs no call.
    "xxhash": {
        "xxhash": {"defines": ["XXH_INLINE_ALL"]},
    },
    "yaml_cpp": {
        "yaml_cpp": {"linkopts": ["-lyaml-cpp"]},
    },
    "zlib": {
        "zlib": {"linkopts": ["-lz"]},
    },
    "zstd": {
        "zstd": {"linkopts": ["-lzstd"]},
    },
}

def _build_file(targets):
    rules = ['package(default_visibility = ["//visibility:public"])']
    for name, attributes in targets.items():
        arguments = dict(attributes, name = name)
        rules.append("cc_library(%s)" % ", ".join(
            ["%s = %r" % argument for argument in arguments.items()],
        ))
    return "\n".join(rules)

def system_libraries():
    """Declares one repository per entry of _LIBRARIES."""
    for name, targets in _LIBRARIES.items():
        native.new_local_repository(
            name = name,
            path = "/usr",
            build_file_content = _build_file(targets),
        )
