// The whole decision table of FORMAT.md, section 6: each kind of damage in
// each mode, examined and opened.
#include "journal/recovery.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "journal/frame.h"
#include "journal/reader.h"
#include "journal/salvage.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

constexpr RecoveryMode kModes[] = {
    RecoveryMode::kStrict, RecoveryMode::kAbsolute, RecoveryMode::kPointInTime,
    RecoveryMode::kSalvage};

// The cells of the table in FORMAT.md, row by row.
std::vector<std::vector<std::string>> DocumentedTable() {
  std::ifstream page("journal/FORMAT.md");
  std::vector<std::vector<std::string>> rows;
  std::string line;
  while (std::getline(page, line) &&
         !absl::StartsWith(line,
                           "| what is found | `strict` | `absolute` | "
                           "`point-in-time` | `salvage` |")) {
  }
  std::getline(page, line);  // Under the heading.
  while (std::getline(page, line) && absl::StartsWith(line, "|")) {
    std::vector<std::string> cells = absl::StrSplit(line, " | ");
    cells.back() = std::string(absl::StripSuffix(cells.back(), " |"));
    rows.emplace_back(cells.begin() + 1, cells.end());
  }
  return rows;
}

TEST(DecideTest, TheTableIsTheOneInTheDocumentation) {
  const std::map<RecoveryAction, std::string> words = {
      {RecoveryAction::kOpen, "open"},
      {RecoveryAction::kCut, "cut"},
      {RecoveryAction::kRefuse, "refuse"},
      {RecoveryAction::kStopBefore, "stop before it"},
      {RecoveryAction::kSkip, "skip it"},
  };
  const auto documented = DocumentedTable();
  ASSERT_EQ(documented.size(), size_t{kFindingKindCount});
  for (int kind = 0; kind < kFindingKindCount; ++kind) {
    std::vector<std::string> row;
    for (const RecoveryMode mode : kModes) {
      row.push_back(words.at(Decide(static_cast<FindingKind>(kind), mode)));
    }
    EXPECT_EQ(documented[kind], row)
        << FindingKindName(static_cast<FindingKind>(kind));
  }
}

// Three lives, each closed: "a1" "a2" in segment 1, "b1" "b2" in segment 2,
// "c1" "c2" in segment 3.
class ThreeLives : public JournalFixture {
 public:
  void Write() {
    Life({"a1", "a2"});
    Life({"b1", "b2"});
    Life({"c1", "c2"});
  }
  // A fourth life, killed, that confirmed "d1" and did not confirm "d2", which
  // spans several sectors.
  void WriteAndDie() {
    Write();
    Open();
    Append("d1");
    Sync();
    Append(absl::StrCat("d2", std::string(2000, 'x')));
    Kill();
  }
  // The same with snapshots: "a1" "a2" in part 1, "b1" "b2" in part 2 and, as a
  // second copy, in segment 2; "c1" "c2" in segment 3, which is closed.
  void WriteWithSnapshots() {
    Open();
    for (const char* body : {"a1", "a2", "b1", "b2", "c1", "c2"}) {
      Append(body);
      if (body[0] < 'c' && body[1] == '2') {
        EXPECT_TRUE(writer_->Snapshot().ok());
      }
    }
    Close();
  }
  // What a reader meets from the beginning.
  BodyList ReadBodies() {
    BodyList bodies;
    auto reader = Reader::Open(directory_, {.file_system = &fs_});
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (ReadResult next; reader.ok();) {
      next = (*reader)->Next();
      if (next.outcome != ReadOutcome::kRecord) break;
      bodies.emplace_back(next.record.body);
    }
    return bodies;
  }
  // In a file that is not a segment.
  void Flip(absl::string_view name, uint64_t offset) {
    disk_.Xor(JoinPath(directory_, name), offset, 1);
  }
  void Delete(absl::string_view name) {
    disk_.Delete(JoinPath(directory_, name));
  }
  void CopyAs(absl::string_view from, absl::string_view to) {
    disk_.Put(JoinPath(directory_, to), disk_.Get(JoinPath(directory_, from)));
  }
  using JournalFixture::Append;
  using JournalFixture::AppendBytes;
  using JournalFixture::AppendFrame;
  using JournalFixture::AppendSpan;
  using JournalFixture::Close;
  using JournalFixture::CopySegmentAs;
  using JournalFixture::DeleteSegment;
  using JournalFixture::FlipBit;
  using JournalFixture::FrameOf;
  using JournalFixture::FrameOfKind;
  using JournalFixture::fs_;
  using JournalFixture::Header;
  using JournalFixture::Kill;
  using JournalFixture::Open;
  using JournalFixture::ReplaceByForeign;
  using JournalFixture::RewriteHeader;
  using JournalFixture::Size;
  using JournalFixture::SwapSegments;
  using JournalFixture::Sync;
  using JournalFixture::TruncateTo;
  using JournalFixture::WriteBytes;
  using JournalFixture::ZeroBytes;
};

struct Damage {
  std::string name;
  FindingKind kind;
  // How many of a1 a2 b1 b2 c1 c2 (d1) stand before the damage.
  int before;
  // What salvage gets: all of them but these.
  BodyList lost;
  std::function<void(ThreeLives&)> make;
  // Nothing good stands before it, or what does ends nowhere.
  bool nothing_to_go_on_from = false;
};

std::ostream& operator<<(std::ostream& out, const Damage& damage) {
  return out << damage.name;
}

const FindingKind kTorn = FindingKind::kTornTail;
const FindingKind kAcked = FindingKind::kAckedLoss;
const FindingKind kHarmless = FindingKind::kNoRecordLost;
const FindingKind kSecond = FindingKind::kSecondCopy;
const FindingKind kChain = FindingKind::kSegmentChain;

std::vector<Damage> AllDamages() {
  std::vector<Damage> all;
  const auto add = [&all](Damage damage) { all.push_back(std::move(damage)); };
  add({"none", FindingKind::kCleanEnd, 6, {}, [](ThreeLives& j) {
         j.Write();
       }});
  add({"killed", FindingKind::kCleanEnd, 7, {}, [](ThreeLives& j) {
         j.WriteAndDie();
       }});
  add({"unconfirmed record cut", kTorn, 7, {}, [](ThreeLives& j) {
         j.WriteAndDie();
         j.ZeroBytes(4, j.FrameOf("d2").body + 500, j.FrameOf("d2").end);
       }});
  add({"unconfirmed head gone", kTorn, 7, {}, [](ThreeLives& j) {
         j.WriteAndDie();
         const FramePlace d2 = j.FrameOf("d2");
         j.ZeroBytes(4, d2.offset, d2.offset + 512);
       }});
  add({"half a span", kTorn, 7, {}, [](ThreeLives& j) {
         j.Write();
         j.Open();
         j.Append("d1");
         j.Sync();
         j.AppendSpan({"s1", "s2"});
         j.Kill();
         j.ZeroBytes(4, j.FrameOf("s2").offset, j.FrameOf("s2").end);
       }});
  add({"header copy 1 of the newest",
       FindingKind::kNoRecordLost,
       6,
       {},
       [](ThreeLives& j) {
         j.Write();
         j.FlipBit(3, 20, 1);
       }});
  add({"header copy 2 of the first",
       FindingKind::kNoRecordLost,
       6,
       {},
       [](ThreeLives& j) {
         j.Write();
         j.FlipBit(1, 1023, 1);
       }});
  add({"body", kAcked, 2, {"b1"}, [](ThreeLives& j) {
         j.Write();
         j.FlipBit(j.FrameOf("b1"), 3);
       }});
  add({"Case01 length past the end", kAcked, 3, {"b2"}, [](ThreeLives& j) {
         j.Write();
         j.FlipBit(2, j.FrameOf("b2").offset + 6, 6);
       }});
  add({"gap before a frame", kHarmless, 6, {}, [](ThreeLives& j) {
         j.Write();
         j.FlipBit(3, j.FrameOfKind(3, FrameKind::kWatermark).end + 3, 0);
       }});
  add({"behind a seal", kHarmless, 6, {}, [](ThreeLives& j) {
         j.Write();
         j.AppendBytes(2, std::string(100, '\0') + "rubbish");
       }});
  add({"Case12 sealed segment cut at a frame",
       kAcked,
       3,
       {"b2"},
       [](ThreeLives& j) {
         j.Write();
         j.TruncateTo(2, j.FrameOf("b2").offset);
       }});
  add({"newest cut at a frame", kAcked, 5, {"c2"}, [](ThreeLives& j) {
         j.Write();
         j.TruncateTo(3, j.FrameOf("c2").offset);
       }});
  add({"newest cut in its header", kAcked, 4, {"c1", "c2"}, [](ThreeLives& j) {
         j.Write();
         j.TruncateTo(3, 1024);
       }});
  add({"close frame gone", kAcked, 6, {}, [](ThreeLives& j) {
         j.Write();
         const FramePlace close = j.FrameOfKind(3, FrameKind::kClose);
         j.ZeroBytes(3, close.offset, close.end);
       }});
  add({"more torn than possible", kAcked, 7, {}, [](ThreeLives& j) {
         j.WriteAndDie();
         j.RewriteHeader(4, [](SegmentHeader& header) {
           header.max_unsynced_bytes = 1024;
         });
         j.FlipBit(j.FrameOf("d2"));
       }});
  add({"Case11 segment missing", kChain, 2, {"b1", "b2"}, [](ThreeLives& j) {
         j.Write();
         j.DeleteSegment(2);
       }});
  add({"Case11 newest missing", kChain, 4, {"c1", "c2"}, [](ThreeLives& j) {
         j.Write();
         j.DeleteSegment(3);
       }});
  add({"Case11 first missing",
       kChain,
       0,
       {"a1", "a2"},
       [](ThreeLives& j) {
         j.Write();
         j.DeleteSegment(1);
       },
       true});
  add({"Case11 segments swapped",
       kChain,
       2,
       {"b1", "b2", "c1", "c2"},
       [](ThreeLives& j) {
         j.Write();
         j.SwapSegments(2, 3);
       }});
  add({"Case11 segment under another name", kChain, 6, {}, [](ThreeLives& j) {
         j.Write();
         j.CopySegmentAs(2, 4);
       }});
  add({"Case11 foreign segment", kChain, 2, {"b1", "b2"}, [](ThreeLives& j) {
         j.Write();
         j.ReplaceByForeign(2);
       }});
  add({"both headers of the middle",
       FindingKind::kHeadersBad,
       2,
       {"b1", "b2"},
       [](ThreeLives& j) {
         j.Write();
         j.FlipBit(2, 100, 0);
         j.FlipBit(2, 612, 0);
       }});
  add({"both headers of the newest",
       FindingKind::kHeadersBad,
       4,
       {"c1", "c2"},
       [](ThreeLives& j) {
         j.Write();
         j.ZeroBytes(3, 0, 1024);
       }});
  add({"both headers of the first",
       FindingKind::kHeadersBad,
       0,
       {"a1", "a2"},
       [](ThreeLives& j) {
         j.Write();
         j.ZeroBytes(1, 0, 1024);
       },
       true});
  add({"read error",
       FindingKind::kReadError,
       4,
       {"c1", "c2"},
       [](ThreeLives& j) {
         j.Write();
         j.fs_.Inject({.op = FileOp::kRead,
                       .name_part = "0000000003.seg",
                       .offset_begin = 1024,
                       .from_then_on = true});
       }});
  add({"newer version",
       FindingKind::kNewerFormat,
       4,
       {"c1", "c2"},
       [](ThreeLives& j) {
         j.Write();
         j.RewriteHeader(3, [](SegmentHeader& h) { h.format_version = 2; });
       }});
  add({"unknown kind of frame",
       FindingKind::kNewerFormat,
       7,
       {},
       [](ThreeLives& j) {
         j.WriteAndDie();
         j.AppendFrame(4, {.kind = static_cast<FrameKind>(77)}, "newer");
       }});
  add({"unknown feature",
       FindingKind::kNewerFormat,
       2,
       {"b1", "b2"},
       [](ThreeLives& j) {
         j.Write();
         j.RewriteHeader(
             2, [](SegmentHeader& h) { h.required_features = 1u << 31; });
       }});
  const auto with_snapshots = [&add](absl::string_view name, FindingKind kind,
                                     int before, BodyList lost, auto make) {
    add({std::string(name), kind, before, std::move(lost),
         [make](ThreeLives& j) {
           j.WriteWithSnapshots();
           make(j);
         },
         /*nothing_to_go_on_from=*/before == 0});
  };
  with_snapshots("snapshots, none", FindingKind::kCleanEnd, 6, {},
                 [](ThreeLives&) {});
  with_snapshots("newest part", kSecond, 6, {},
                 [](ThreeLives& j) { j.Flip("0000000002.part", 600); });
  with_snapshots("newest part gone", kSecond, 6, {},
                 [](ThreeLives& j) { j.Delete("0000000002.part"); });
  with_snapshots("newest part another one", kSecond, 6, {}, [](ThreeLives& j) {
    j.CopyAs("0000000001.part", "0000000002.part");
  });
  with_snapshots("newest manifest", kSecond, 6, {},
                 [](ThreeLives& j) { j.Flip("0000000002.manifest", 50); });
  with_snapshots("second copy in the log", kSecond, 6, {}, [](ThreeLives& j) {
    j.FlipBit(2, kFirstFrameOffset + 50, 0);
  });
  with_snapshots("all manifests gone", FindingKind::kCleanEnd, 6, {},
                 [](ThreeLives& j) {
                   j.Delete("0000000001.manifest");
                   j.Delete("0000000002.manifest");
                 });
  with_snapshots("old part", kAcked, 0, {"a1", "a2"},
                 [](ThreeLives& j) { j.Flip("0000000001.part", 600); });
  with_snapshots("old part gone", kChain, 0, {"a1", "a2"},
                 [](ThreeLives& j) { j.Delete("0000000001.part"); });
  with_snapshots(
      "old part another one", kChain, 0, {"a1", "a2"},
      [](ThreeLives& j) { j.CopyAs("0000000002.part", "0000000001.part"); });
  with_snapshots("log behind a snapshot gone", kChain, 4, {"c1", "c2"},
                 [](ThreeLives& j) { j.DeleteSegment(3); });
  return all;
}

class RecoveryTableTest
    : public ThreeLives,
      public ::testing::WithParamInterface<std::tuple<Damage, RecoveryMode>> {
 protected:
  void SetUp() override {
    options_.verify_all = true;
    damage().make(*this);
  }
  const Damage& damage() const { return std::get<0>(GetParam()); }
  RecoveryMode mode() const { return std::get<1>(GetParam()); }

  static BodyList First(int count) {
    BodyList all = {"a1", "a2", "b1", "b2", "c1", "c2", "d1"};
    all.resize(count);
    return all;
  }
  // d2 is long: told by its first bytes; what was cut is not expected.
  static BodyList Short(BodyList bodies) {
    for (std::string& body : bodies) body = body.substr(0, 2);
    return bodies;
  }
  BodyList Expected() const {
    BodyList expected = First(damage().before);
    if (damage().name == "killed") expected.push_back("d2");
    if (mode() != RecoveryMode::kSalvage) return expected;
    if (expected.size() > 6) return expected;
    expected.clear();
    for (const std::string& body : First(6)) {
      if (std::count(damage().lost.begin(), damage().lost.end(), body) == 0) {
        expected.push_back(body);
      }
    }
    return expected;
  }
};

TEST_P(RecoveryTableTest, ExaminingSaysWhatItIsAndDeliversWhatTheModeAllows) {
  const RecoveryReport report = Examine(mode());
  EXPECT_EQ(report.outcome, damage().kind) << Text(report);
  EXPECT_EQ(report.action, Decide(damage().kind, mode()));
  if (damage().kind != FindingKind::kNewerFormat) {
    EXPECT_EQ(Short(Bodies(mode())), Expected()) << Text(report);
  }
}

ErrorKind RefusedWith(FindingKind kind) {
  switch (kind) {
    case FindingKind::kTornTail:
      return ErrorKind::kTornTail;
    case FindingKind::kReadError:
      return ErrorKind::kIo;
    case FindingKind::kNewerFormat:
      return ErrorKind::kNewerVersion;
    default:
      return ErrorKind::kDamage;
  }
}

TEST_P(RecoveryTableTest, OpeningDoesWhatTheTableSays) {
  const RecoveryAction action = Decide(damage().kind, mode());
  options_.recovery_mode = mode();
  const absl::Status status = TryOpen();
  if (action == RecoveryAction::kOpen || action == RecoveryAction::kCut) {
    ASSERT_TRUE(status.ok()) << status;
    Append("z");
    Close();
    if (damage().kind == FindingKind::kNoRecordLost) {
      // What was opened over is mended or set aside, for the strict mode.
      EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
    } else {
      EXPECT_EQ(Files(kTornSuffix).size(), action == RecoveryAction::kCut);
    }
    BodyList expected = Expected();
    expected.push_back("z");
    EXPECT_EQ(Short(Bodies(RecoveryMode::kSalvage)), expected);
  } else {
    EXPECT_EQ(KindOf(status), RefusedWith(damage().kind)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "0000")) << status;
    EXPECT_TRUE(Files(kTornSuffix).empty()) << "changed what it refused";
  }
}

TEST_P(RecoveryTableTest, GoingOnAfterDamageKeepsTheRestAndLeavesItClean) {
  if (Decide(damage().kind, mode()) != RecoveryAction::kStopBefore) return;
  options_.recovery_mode = mode();
  options_.append_after_damage = true;
  const absl::Status status = TryOpen();
  if (damage().nothing_to_go_on_from) {
    EXPECT_EQ(KindOf(status), ErrorKind::kDamage) << status;
    return;
  }
  ASSERT_TRUE(status.ok()) << status;
  Append("z");
  Close();
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kCleanEnd) << Text(report);
  BodyList expected = First(damage().before);
  expected.push_back("z");
  EXPECT_EQ(Bodies(), expected);
  EXPECT_EQ(ReadBodies(), expected);
}

INSTANTIATE_TEST_SUITE_P(All, RecoveryTableTest,
                         ::testing::Combine(::testing::ValuesIn(AllDamages()),
                                            ::testing::ValuesIn(kModes)),
                         [](const auto& info) {
                           return absl::StrReplaceAll(
                               absl::StrCat(
                                   std::get<0>(info.param).name, " ",
                                   RecoveryModeName(std::get<1>(info.param))),
                               {{" ", "_"}, {"-", "_"}, {",", ""}});
                         });

}  // namespace
}  // namespace journal
