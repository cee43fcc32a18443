#include "tools/dump_command.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "journal/manifest.h"
#include "journal/part_footer.h"
#include "journal/segment_header.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"
#include "tools/dump_options.h"
#include "tools/journal_files.h"
#include "tools/part_dump.h"
#include "tools/segment_dump.h"

namespace inspector {
namespace {

// The numbers of the files to be shown, each kind in order.
struct Files {
  std::vector<uint64_t> segments;
  std::vector<uint64_t> parts;
  std::vector<uint64_t> manifests;
};

absl::StatusOr<Files> FilesOf(absl::string_view path) {
  absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(path);
  if (!names.ok()) return names.status();
  Files files;
  for (const std::string& name : *names) {
    if (const auto id = journal::ParseSegmentFileName(name)) {
      files.segments.push_back(*id);
    } else if (const auto id = journal::ParsePartFileName(name)) {
      files.parts.push_back(*id);
    } else if (const auto id = journal::ParseManifestFileName(name)) {
      files.manifests.push_back(*id);
    }
  }
  for (auto* ids : {&files.segments, &files.parts, &files.manifests}) {
    std::sort(ids->begin(), ids->end());
  }
  if (files.segments.empty() && files.parts.empty() &&
      files.manifests.empty()) {
    return journal::MakeError(journal::ErrorKind::kNotFound,
                              absl::StrCat(path, ": no journal here"));
  }
  return files;
}

absl::Status NotThere(absl::string_view path, absl::string_view what,
                      const std::vector<uint64_t>& ids) {
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": no ", what, "; there ",
      ids.empty() ? "is none"
                  : absl::StrCat("are ", ids.front(), " to ", ids.back())));
}

bool Holds(const std::vector<uint64_t>& ids, uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

absl::Status KeepSegment(absl::string_view path, const std::string& given,
                         Files* files) {
  const absl::StatusOr<uint64_t> id =
      ParseNumber("--segment", given, 1, UINT64_MAX);
  if (!id.ok()) return id.status();
  if (!Holds(files->segments, *id)) {
    return NotThere(path, absl::StrCat("segment ", *id), files->segments);
  }
  *files = {{*id}, {}, {}};
  return absl::OkStatus();
}

// `given` is the name of a part or a manifest, or all.
absl::Status KeepPart(absl::string_view path, const std::string& given,
                      Files* files) {
  if (given == "all") {
    files->segments.clear();
    return absl::OkStatus();
  }
  if (const auto id = journal::ParseManifestFileName(given)) {
    if (!Holds(files->manifests, *id)) {
      return NotThere(path, given, files->manifests);
    }
    *files = {{}, {}, {*id}};
    return absl::OkStatus();
  }
  const auto id = journal::ParsePartFileName(given);
  if (!id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--part: ", runner::Quoted(given),
                     " is no name of a part or a manifest, and not all"));
  }
  if (!Holds(files->parts, *id)) return NotThere(path, given, files->parts);
  *files = {{}, {*id}, {}};
  return absl::OkStatus();
}

// What the first segment that can be read says of the journal.
void FindIdentity(const std::string& path, const Files& files, Context& context,
                  DumpOptions* options) {
  for (const uint64_t id : files.segments) {
    SegmentDump segment(path, id, context);
    if (!segment.Open().ok() || segment.header() == nullptr) continue;
    options->uuid = segment.header()->uuid;
    options->key_id = segment.header()->key_id;
    return;
  }
}

absl::Status DumpSegment(const std::string& path, uint64_t id,
                         const DumpOptions& options, Context& context) {
  SegmentDump segment(path, id, context);
  if (absl::Status opened = segment.Open(); !opened.ok()) return opened;
  segment.Print(options);
  return absl::OkStatus();
}

int Dump(const std::string& path, const Files& files,
         const DumpOptions& options, Context& context) {
  int exit_code = kExitOk;
  const auto note = [&](const absl::Status& status) {
    if (status.ok()) return;
    exit_code = Fail(context, kExitFailed, std::string(status.message()));
  };
  for (const uint64_t id : files.segments) {
    note(DumpSegment(path, id, options, context));
  }
  for (const uint64_t id : files.parts) {
    note(DumpPart(path, id, options, context));
  }
  for (const uint64_t id : files.manifests) {
    note(DumpManifest(path, id, options, context));
  }
  return exit_code;
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  absl::StatusOr<Files> files = FilesOf(*path);
  if (!files.ok()) return Fail(context, files.status());
  DumpOptions options;
  options.hex = !arguments.Has("no-hex");
  if (arguments.Has("lsn")) {
    absl::StatusOr<LsnRange> range = ParseLsnRange(arguments.Get("lsn"));
    if (!range.ok()) return Fail(context, range.status());
    options.lsns = *range;
  }
  FindIdentity(*path, *files, context, &options);
  if (context.cipher != nullptr) {
    absl::Status right = journal::CheckKey(options.key_id, context.cipher);
    if (!right.ok()) return Fail(context, right);
  }
  absl::Status kept;
  if (arguments.Has("segment") && arguments.Has("part")) {
    kept = absl::InvalidArgumentError("--segment and --part: one of them");
  } else if (arguments.Has("segment")) {
    kept = KeepSegment(*path, arguments.Get("segment"), &*files);
  } else if (arguments.Has("part")) {
    kept = KeepPart(*path, arguments.Get("part"), &*files);
  }
  if (!kept.ok()) return Fail(context, kept);
  return Dump(*path, *files, options, context);
}

}  // namespace

const Command& DumpCommand() {
  static const auto* const command = new Command{
      {"dump",
       "J",
       1,
       1,
       "Shows frames, parts and manifests as they lie on disk, past damage.",
       "For each segment its header copies, then each frame: offset, LSN,\n"
       "kind, type, flags, length, watermark, checksums, and the body in hex.\n"
       "For each part of a snapshot its ends, then each block: offset, LSNs,\n"
       "records, bytes, codec, checksum; for each manifest its entries. What "
       "is\n"
       "none of these is shown as bad, with its bytes; the next whole one is\n"
       "searched for. Whether something bad is damage or a torn tail, verify\n"
       "tells; dump exits 0. Bodies that are encrypted are shown with their "
       "key.\n",
       {{"segment", 0, "N", "only segment N"},
        {"part", 0, "FILE",
         "only this part or manifest of a snapshot, or all of them: all"},
        {"lsn", 0, "A..B", "only frames and records with these LSNs"},
        {"no-hex", 0, "", "without the bytes"}}},
      Run};
  return *command;
}

}  // namespace inspector
