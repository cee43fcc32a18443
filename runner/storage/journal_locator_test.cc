#include "runner/storage/journal_locator.h"

#include <cerrno>

#include "journal/testing/fault_file_system.h"
#include "runner/storage/journal_test_fixture.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

constexpr char kRunId[] = "20261121_data_model_1234abcd";

class JournalLocatorTest : public JournalTest {
 protected:
  journal::FileSystem& fs() { return *journal::FileSystem::Posix(); }

  void Unfinished(const std::string& name, const std::string& identity = "hash",
                  int64_t created = 1000) {
    const auto journal = Create(name, Info(identity, created));
    Fail(*journal, 1, 1, "timeout");
    ASSERT_EQ(journal->Close(), absl::OkStatus());
  }

  void Complete(const std::string& name, const std::string& identity = "hash",
                int64_t created = 1000) {
    const auto journal = Create(name, Info(identity, created));
    AnswerAndScore(*journal, 1, 0);
    ASSERT_EQ(journal->RecordComplete(0, ""), absl::OkStatus());
    ASSERT_EQ(journal->Close(), absl::OkStatus());
  }

  void Empty(const std::string& name) {
    ASSERT_EQ((*journal::Writer::Open(Path(name), {}))->Close(),
              absl::OkStatus());
  }

  JournalMatch Find(const std::string& identity = "hash") {
    auto match = FindJournal({&fs()}, root_, {"bench", identity, kRunId});
    EXPECT_TRUE(match.ok()) << match.status();
    return *match;
  }

  std::vector<std::string> Listed() {
    std::vector<std::string> lines;
    const auto journals = ListJournals({&fs()}, root_);
    EXPECT_TRUE(journals.ok()) << journals.status();
    for (const LocatedJournal& journal : *journals) {
      lines.push_back(absl::StrCat(journal.name, " ",
                                   JournalConditionName(journal.condition)));
    }
    return lines;
  }

  std::string Free(const std::string& run_id) {
    return *FreeRunId({&fs()}, root_, run_id);
  }
};

TEST_F(JournalLocatorTest, ListsNewestFirstAmongGarbage) {
  Unfinished("old", "hash", 1000);
  Complete("new", "hash", 2000);
  Empty("empty");
  WriteFile("file", "x");
  WriteFile("directory/file", "x");
  WriteFile("20991231_odd/0000000001.seg", "not a segment");
  WriteFile("replaced/a/0000000001.seg", "x");
  std::filesystem::create_symlink("nowhere", Path("dangling"));
  EXPECT_EQ(Listed(),
            (std::vector<std::string>{"20991231_odd damaged", "new complete",
                                      "old unfinished", "empty empty"}));
}

TEST_F(JournalLocatorTest, AnAbsentDirectoryHasNone) {
  const auto journals = ListJournals({&fs()}, Path("nowhere"));
  ASSERT_TRUE(journals.ok()) << journals.status();
  EXPECT_TRUE(journals->empty());
  EXPECT_FALSE(LocateJournal({&fs()}, Path("nowhere")).has_value());
}

TEST_F(JournalLocatorTest, SaysWhatIsInAJournal) {
  Complete("a");
  const auto journal = LocateJournal({&fs()}, Path("a"));
  ASSERT_TRUE(journal.has_value());
  EXPECT_EQ(journal->info->benchmark_id, "bench");
  EXPECT_EQ(journal->totals.completed, 1u);
  EXPECT_EQ(journal->rows, 10u);
  EXPECT_TRUE(journal->status.ok());
}

TEST_F(JournalLocatorTest, FindsTheNewestOfTheSameIdentity) {
  Unfinished("a", "hash", 1000);
  Complete("b", "hash", 3000);
  Unfinished("c", "hash", 2000);
  Unfinished("d", "other", 9000);
  EXPECT_EQ(Find().same->name, "b");
  EXPECT_EQ(Find().same->condition, JournalCondition::kComplete);
  EXPECT_EQ(Find().other_identity->name, "d");
}

TEST_F(JournalLocatorTest, OtherIdentitiesCountOnlyUnfinished) {
  Complete("a", "other");
  EXPECT_FALSE(Find().same.has_value());
  EXPECT_FALSE(Find().other_identity.has_value());
  Unfinished("b", "other");
  EXPECT_EQ(Find().other_identity->name, "b");
}

TEST_F(JournalLocatorTest, OlderThanAskedForDoesNotCount) {
  Complete("a", "hash", 1000);
  Unfinished("b", "other", 2000);
  JournalQuery query = {"bench", "hash", kRunId};
  const auto found = [&](absl::Time created_min) {
    query.created_min = created_min;
    const auto match = FindJournal({&fs()}, root_, query);
    EXPECT_TRUE(match.ok()) << match.status();
    return absl::StrCat(match->same.has_value(),
                        match->other_identity.has_value());
  };
  const absl::Time a = Find().same->info->created;
  const absl::Time b = Find().other_identity->info->created;
  EXPECT_EQ(found(a), "11");
  EXPECT_EQ(found(b), "01");
  EXPECT_EQ(found(b + absl::Nanoseconds(1)), "00");
}

TEST_F(JournalLocatorTest, DamageIsFoundNotPassedOver) {
  Unfinished("20250101_data_model_1234abcd_3");
  Unfinished("20250101_data_model_9999ffff");
  DamageFirstRecord("20250101_data_model_1234abcd_3");
  DamageFirstRecord("20250101_data_model_9999ffff");
  const JournalMatch match = Find();
  ASSERT_TRUE(match.same.has_value());
  EXPECT_EQ(match.same->name, "20250101_data_model_1234abcd_3");
  EXPECT_EQ(match.same->condition, JournalCondition::kDamaged);
  EXPECT_EQ(journal::KindOf(match.same->status), journal::ErrorKind::kDamage);
}

// By a fault, since root may read everything.
TEST_F(JournalLocatorTest, DirectoriesThatRefuseAreFoundByName) {
  Unfinished(kRunId);
  journal::FaultFileSystem refusing(&fs());
  refusing.Inject({.op = journal::FileOp::kList,
                   .name_part = kRunId,
                   .from_then_on = true,
                   .error_number = EACCES});
  const auto match = FindJournal({&refusing}, root_, {"bench", "hash", kRunId});
  ASSERT_TRUE(match.ok() && match->same.has_value()) << match.status();
  EXPECT_EQ(match->same->condition, JournalCondition::kUnreadable);
}

TEST_F(JournalLocatorTest, InterruptedCreationsDoNotCount) {
  Empty(kRunId);
  BenchmarkInfo info = Info();
  info.queries = 5;
  AppendRaw("partial", TypeNumber(info), Encode(info));
  EXPECT_FALSE(Find().same.has_value());
  EXPECT_EQ(Listed(), (std::vector<std::string>{absl::StrCat(kRunId, " empty"),
                                                "partial empty"}));
}

TEST_F(JournalLocatorTest, ALiveJournalIsFound) {
  const auto journal = Create("a");
  Start(*journal, 1, 0);
  EXPECT_EQ(Find().same->condition, JournalCondition::kUnfinished);
}

TEST_F(JournalLocatorTest, FreeRunIdsAvoidWhatIsThere) {
  EXPECT_EQ(Free("r"), "r");
  Unfinished("r");
  WriteFile("r_2", "a file");
  WriteFile("r_3/notes", "someone's");
  EXPECT_EQ(Free("r"), "r_4");
  Empty("r_4");
  EXPECT_EQ(Free("r"), "r_4");
  Unfinished("r_4");
  EXPECT_EQ(Free("r"), "r_5");
}

TEST_F(JournalLocatorTest, LatestIsReplacedNotFollowed) {
  Unfinished("a");
  Unfinished("b");
  ASSERT_EQ(PointLatestAt(fs(), root_, "a"), absl::OkStatus());
  ASSERT_EQ(PointLatestAt(fs(), root_, "b"), absl::OkStatus());
  EXPECT_EQ(std::filesystem::read_symlink(Path("latest")), "b");
  EXPECT_EQ(Listed().size(), 2u);
}

TEST_F(JournalLocatorTest, LatestNeverPointsAtItself) {
  ASSERT_EQ(PointLatestAt(fs(), root_, "a"), absl::OkStatus());
  EXPECT_EQ(journal::KindOf(PointLatestAt(fs(), root_, kLatestName)),
            journal::ErrorKind::kInvalidArgument);
  EXPECT_EQ(std::filesystem::read_symlink(Path("latest")), "a");
}

TEST_F(JournalLocatorTest, LatestOfARemovedJournalIsTheNewestThatIsLeft) {
  Unfinished("a");
  Complete("b");
  Complete("c");
  ASSERT_EQ(PointLatestAt(fs(), root_, "c"), absl::OkStatus());
  EXPECT_EQ(MendLatest({&fs()}, root_), absl::OkStatus());
  EXPECT_EQ(std::filesystem::read_symlink(Path("latest")), "c");
  std::filesystem::remove_all(Path("c"));
  EXPECT_EQ(MendLatest({&fs()}, root_), absl::OkStatus());
  EXPECT_EQ(std::filesystem::read_symlink(Path("latest")), "b");
  std::filesystem::remove_all(Path("a"));
  std::filesystem::remove_all(Path("b"));
  EXPECT_EQ(MendLatest({&fs()}, root_), absl::OkStatus());
  EXPECT_FALSE(std::filesystem::is_symlink(Path("latest")));
  EXPECT_EQ(MendLatest({&fs()}, root_), absl::OkStatus());
}

TEST_F(JournalLocatorTest, LatestThatIsNoLinkIsLeftAlone) {
  WriteFile("latest", "mine");
  EXPECT_EQ(journal::KindOf(PointLatestAt(fs(), root_, "a")),
            journal::ErrorKind::kIo);
  EXPECT_EQ(ReadFile("latest"), "mine");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_), {}), 1);
}

TEST_F(JournalLocatorTest, ReplacedJournalsAreKeptBesideEachOther) {
  Unfinished("a");
  EXPECT_EQ(*MoveToReplaced(fs(), root_, "a"), Path("replaced/a"));
  Complete("a");
  EXPECT_EQ(*MoveToReplaced(fs(), root_, "a"), Path("replaced/a_2"));
  EXPECT_TRUE(Listed().empty());
  EXPECT_EQ(LocateJournal({&fs()}, Path("replaced/a"))->condition,
            JournalCondition::kUnfinished);
  EXPECT_EQ(journal::KindOf(MoveToReplaced(fs(), root_, "a").status()),
            journal::ErrorKind::kNotFound);
}

TEST_F(JournalLocatorTest, AJournalInUseIsNotMoved) {
  const auto journal = Create("a");
  EXPECT_EQ(journal::KindOf(MoveToReplaced(fs(), root_, "a").status()),
            journal::ErrorKind::kLocked);
  EXPECT_TRUE(std::filesystem::exists(Path("a")));
}

}  // namespace
}  // namespace runner
