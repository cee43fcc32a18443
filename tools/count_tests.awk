# Counts the test cases of one `bazel test` from its build events (one JSON
# object a line) and the XML reports they name. The events, unlike the folder
# bazel-testlogs, tell this run's reports from those of an earlier one, and
# name cached and sharded ones alike.
#
#   awk -v bazel_status=$? -f count_tests.awk events.json
#
# Exits with bazel_status, or 1 if that is 0 and yet something failed or no
# test ran.

# The value of "name":"..." or name="..." in text.
function value(text, name) {
  if (!match(text, "\"?" name "\"?[:=]\"[^\"]*\"")) return ""
  text = substr(text, RSTART, RLENGTH - 1)
  sub(/^.*"/, "", text)
  return text
}

function count_report(path, succeeded,    line, total, bad, skip) {
  total = 0
  while ((getline line < path) > 0) {
    # GoogleTest totals its suites in the first element. Bazel writes a report
    # of one case for the tests that write none.
    if (!total && line ~ /^ *<testsuites? /) {
      total = value(line, "tests") + 0
      bad = value(line, "failures") + value(line, "errors")
      skip = value(line, "disabled") + 0
    } else if (line ~ /^ *<testcase .* result="skipped"/) {
      ++skip
    }
  }
  close(path)
  # A test without a report (killed), or one that failed after its last case
  # (a leak found at exit), is a case of its own.
  if (!total && !succeeded) total = bad = 1
  if (total && !bad && !succeeded) { ++total; bad = 1 }
  passed += total - bad - skip
  failed += bad
  skipped += skip
}

/^\{"id":\{"targetConfigured":/ && /"testSize":/ {
  not_run[value($0, "label")] = 1
}

/^\{"id":\{"testResult":/ {
  delete not_run[value($0, "label")]
  # A flaky test is tried again: the last attempt of a shard counts.
  match($0, /"attempt":/)
  key = substr($0, 1, RSTART)
  succeeded[key] = value($0, "status") == "PASSED"
  report[key] = ""
  if (match($0, /"name":"test.xml","uri":"file:\/\/[^"]*/)) {
    report[key] = substr($0, RSTART, RLENGTH)
    sub(/^.*file:\/\//, "", report[key])
  }
}

END {
  passed = failed = skipped = 0
  for (key in report) count_report(report[key], succeeded[key])
  for (label in not_run) {
    print "not built or not run: " label
    ++failed
  }
  if (bazel_status != 0 && passed + failed > 0 && failed == 0) {
    print "all tests passed, but not everything was built (bazel: exit code " \
          bazel_status ")"
    ++failed
  }
  if (passed + failed == 0) print "no test ran"
  printf "%d passed, %d failed%s\n", passed, failed, \
         skipped ? ", " skipped " skipped" : ""
  if (bazel_status != 0) exit bazel_status
  exit !(failed == 0 && passed > 0)
}
