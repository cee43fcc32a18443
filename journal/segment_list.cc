#include "journal/segment_list.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "journal/format.h"

namespace journal {
namespace {

void TakeHead(const absl::StatusOr<OpenedSegment>& opened,
              ListedSegment& segment, std::vector<Finding>* findings) {
  if (!opened.ok()) {
    findings->push_back({.kind = FindingKind::kReadError,
                         .file = segment.name,
                         .bytes = kFirstFrameOffset,
                         .detail = std::string(opened.status().message())});
    return;
  }
  segment.file_bytes = opened->file_bytes;
  segment.header = opened->header;
  switch (opened->state) {
    case HeaderState::kNewer:
      findings->push_back(
          {.kind = FindingKind::kNewerFormat,
           .file = segment.name,
           .detail =
               absl::StrCat("format version ", segment.header.format_version,
                            ", features ", segment.header.required_features,
                            "; this program reads version ", kFormatVersion)});
      return;
    case HeaderState::kBad:
      findings->push_back(
          {.kind = FindingKind::kHeadersBad,
           .file = segment.name,
           .bytes = kFirstFrameOffset,
           .detail = "neither copy of the segment header validates"});
      return;
    case HeaderState::kGood:
      break;
  }
  segment.usable = true;
  segment.half_header = opened->half_header;
  if (opened->first_copy_good && opened->second_copy_good) return;
  findings->push_back(
      {.kind = FindingKind::kNoRecordLost,
       .file = segment.name,
       .offset = opened->first_copy_good ? kSegmentHeaderBytes : 0,
       .bytes = kSegmentHeaderBytes,
       .first_lsn = segment.header.first_lsn,
       .last_lsn = segment.header.first_lsn,
       .detail = absl::StrCat(
           "copy ", opened->first_copy_good ? 2 : 1,
           " of the header of the segment that begins at LSN ",
           segment.header.first_lsn,
           " is damaged; the other copy is whole, nothing is lost")});
}

// The journal and the key that most segments name; of several, the first.
void Vote(SegmentList* list) {
  using Ballot = std::pair<JournalUuid, KeyId>;
  std::map<Ballot, int> votes;
  for (const ListedSegment& segment : list->segments) {
    if (segment.usable) ++votes[{segment.header.uuid, segment.header.key_id}];
  }
  int most = 0;
  for (const ListedSegment& segment : list->segments) {
    const Ballot ballot(segment.header.uuid, segment.header.key_id);
    if (segment.usable && votes[ballot] > most) {
      most = votes[ballot];
      std::tie(list->uuid, list->key_id) = ballot;
    }
  }
}

std::string KeyText(const KeyId& key_id) {
  return key_id == KeyId()
             ? "not encrypted"
             : absl::StrCat("encrypted with key ", KeyIdHex(key_id));
}

void CheckBelongs(ListedSegment& segment, SegmentList* list) {
  if (!segment.usable) return;
  std::string detail;
  if (segment.header.uuid != list->uuid) {
    detail = "belongs to another journal";
  } else if (segment.header.key_id != list->key_id) {
    detail = absl::StrCat("is ", KeyText(segment.header.key_id),
                          ", the journal is ", KeyText(list->key_id));
  } else if (segment.header.segment_id != segment.id) {
    detail = absl::StrCat("is segment ", segment.header.segment_id,
                          " under another name");
  } else {
    return;
  }
  segment.usable = false;
  list->findings.push_back({.kind = FindingKind::kSegmentChain,
                            .file = segment.name,
                            .detail = std::move(detail)});
}

}  // namespace

absl::StatusOr<OpenedSegment> OpenSegment(FileSystem& fs,
                                          absl::string_view directory,
                                          uint64_t id) {
  OpenedSegment opened;
  absl::StatusOr<std::unique_ptr<File>> file =
      fs.Open(JoinPath(directory, SegmentFileName(id)), OpenMode::kRead);
  if (!file.ok()) return file.status();
  opened.file = *std::move(file);
  absl::StatusOr<uint64_t> size = opened.file->Size();
  if (!size.ok()) return size.status();
  opened.file_bytes = *size;
  char bytes[kFirstFrameOffset] = {};
  absl::StatusOr<size_t> got = opened.file->ReadAt(0, bytes, sizeof(bytes));
  if (!got.ok()) return got.status();
  SegmentHeader second_header;
  const char* second_bytes = bytes + kSegmentHeaderBytes;
  const HeaderState first = DecodeSegmentHeader(bytes, &opened.header);
  const HeaderState second = DecodeSegmentHeader(second_bytes, &second_header);
  opened.state = first;
  if (first == HeaderState::kBad ||
      (first == HeaderState::kGood && second == HeaderState::kNewer)) {
    opened.state = second;
    opened.header = second_header;
  }
  opened.first_copy_good = first == HeaderState::kGood;
  opened.half_header =
      (first == HeaderState::kGood && second == HeaderState::kBad) ||
      (first == HeaderState::kBad && second == HeaderState::kGood);
  // Two whole copies that differ are no two copies.
  opened.second_copy_good =
      second == HeaderState::kGood &&
      (!opened.first_copy_good ||
       std::memcmp(bytes, second_bytes, kSegmentHeaderBytes) == 0);
  return opened;
}

absl::StatusOr<std::vector<uint64_t>> ListSegmentIds(
    FileSystem& fs, absl::string_view directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return names.status();
  std::vector<uint64_t> ids;
  for (const std::string& name : *names) {
    if (absl::optional<uint64_t> id = ParseSegmentFileName(name)) {
      ids.push_back(*id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<SegmentList> ListSegments(FileSystem& fs,
                                         absl::string_view directory) {
  absl::StatusOr<std::vector<uint64_t>> ids = ListSegmentIds(fs, directory);
  if (!ids.ok()) return ids.status();
  SegmentList list;
  for (const uint64_t id : *ids) {
    const absl::StatusOr<OpenedSegment> opened = OpenSegment(fs, directory, id);
    // Removed since it was listed.
    if (KindOf(opened.status()) == ErrorKind::kNotFound) continue;
    list.segments.emplace_back();
    list.segments.back().id = id;
    list.segments.back().name = SegmentFileName(id);
    TakeHead(opened, list.segments.back(), &list.findings);
  }
  Vote(&list);
  for (ListedSegment& segment : list.segments) {
    CheckBelongs(segment, &list);
  }
  return list;
}

void FindGaps(size_t first, SegmentList* list) {
  for (size_t i = first + 1; i < list->segments.size(); ++i) {
    const uint64_t expected = list->segments[i - 1].id + 1;
    const uint64_t id = list->segments[i].id;
    if (id == expected) continue;
    list->findings.push_back(
        {.kind = FindingKind::kSegmentChain,
         .file = SegmentFileName(expected),
         .detail = id == expected + 1
                       ? "is missing"
                       : absl::StrCat("and up to ", SegmentFileName(id - 1),
                                      " are missing")});
  }
}

void ListOneMore(FileSystem& fs, absl::string_view directory, uint64_t id,
                 SegmentList* list) {
  ListedSegment segment;
  segment.id = id;
  segment.name = SegmentFileName(id);
  TakeHead(OpenSegment(fs, directory, id), segment, &list->findings);
  CheckBelongs(segment, list);
  list->segments.push_back(std::move(segment));
}

}  // namespace journal
