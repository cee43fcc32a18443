// Readers and examinations while parts take the place of segments under them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/part_reader.h"
#include "journal/part_writer.h"
#include "journal/reader.h"
#include "journal/testing/snapshot_fixture.h"

namespace journal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class SnapshotReadingTest : public SnapshotFixture {};

TEST_F(SnapshotReadingTest, AReaderGoesOnThroughWhatTookItsSegments) {
  Open();
  Append("a 1");
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Next().record.body, "a 1");
  BodyList expected;
  for (int i = 0; i < 5; ++i) {
    expected.push_back(absl::StrCat("k", i, " v"));
    Append(expected.back());
    Snapshot();
  }
  BodyList bodies;
  for (ReadResult next;
       (next = (*reader)->Next()).outcome == ReadOutcome::kRecord;) {
    bodies.emplace_back(next.record.body);
  }
  EXPECT_EQ(bodies, expected);
  Append("last 1");
  EXPECT_EQ((*reader)->Next().record.body, "last 1");
}

TEST_F(SnapshotReadingTest, ReadsOneRecordByItsLsn) {
  Open();
  std::map<Lsn, std::string> bodies;
  for (int i = 0; i < 40; ++i) {
    const std::string body = absl::StrCat("k", i, " v");
    bodies[Append(body)] = body;
    if (i % 9 == 8) Snapshot();
  }
  const Lsn superseded = Append("k39 w") - 1;
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok());
  for (const auto& [lsn, body] : bodies) {
    const ReadResult found = (*reader)->Read(lsn);
    ASSERT_EQ(found.outcome, ReadOutcome::kRecord) << lsn;
    EXPECT_EQ(found.record.body, body);
    EXPECT_EQ((*reader)->ReadAt(found.record.position).record.body, body);
  }
  Snapshot();
  EXPECT_EQ((*reader)->Read(superseded).outcome, ReadOutcome::kRecord)
      << "its segment is still there";
}

TEST_F(SnapshotReadingTest, AnExaminationGoesOnThroughWhatTookItsSegments) {
  BodyList expected;
  for (int i = 0; i < 4; ++i) {
    expected.push_back(absl::StrCat("k", i, " v"));
    Life({expected.back()});
  }
  Open();
  BodyList bodies;
  ExamineOptions examine;
  examine.file_system = &fs_;
  const auto report =
      journal::Examine(directory_, examine, [&](const Record& record) {
        bodies.emplace_back(record.body);
        if (bodies.size() != 1) return;
        for (int i = 4; i < 7; ++i) {
          expected.push_back(absl::StrCat("k", i, " v"));
          Append(expected.back());
          Snapshot();
        }
      });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(Files(".seg"), Not(Contains("0000000003.seg")));
  EXPECT_EQ(bodies, expected);
  EXPECT_LE(report->outcome, FindingKind::kTornTail) << Text(*report);
  EXPECT_EQ(report->records, 7);
  Close();
}

// Bodies in parts are as secret as in the log, and nobody needs the key to see
// that they are whole.
TEST_F(SnapshotReadingTest, PartsOfAnEncryptedJournalAreEncrypted) {
  const auto cipher = Cipher::FromBytes(std::string(kKeyBytes, 'k'));
  options_.cipher = cipher->get();
  Open();
  Append("a secret");
  Snapshot();
  Append("b secret");
  Snapshot();
  Close();
  for (const std::string& name : Files("0000")) {
    EXPECT_FALSE(absl::StrContains(Content(name), "secret")) << name;
  }
  ExamineOptions examine;
  examine.file_system = &fs_;
  EXPECT_EQ(journal::Examine(directory_, examine)->outcome,
            FindingKind::kCleanEnd);
  BodyList bodies;
  const auto read = [&bodies](const Record& record) {
    bodies.emplace_back(record.body);
  };
  EXPECT_EQ(KindOf(journal::Examine(directory_, examine, read).status()),
            ErrorKind::kKey);
  examine.cipher = cipher->get();
  EXPECT_EQ(journal::Examine(directory_, examine, read)->outcome,
            FindingKind::kCleanEnd);
  EXPECT_THAT(bodies, ElementsAre("a secret", "b secret"));
  Open();
  Close();
}

TEST_F(SnapshotReadingTest, AReaderByLsnGoesAroundWhatWasRemoved) {
  Open();
  const Lsn a = Append("a 1");
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Read(a).record.body, "a 1");
  for (const char* body : {"b 1", "c 1", "d 1"}) {
    Snapshot();
    Append(body);
  }
  const Lsn e = Append("e 1");
  EXPECT_EQ((*reader)->Read(e).record.body, "e 1");
}

TEST_F(SnapshotReadingTest, AReaderIsToldOfWhatIsRemovedUnderIt) {
  Open();
  for (const char* body : {"a 1", "b 1", "c 1", "d 1"}) {
    Append(body);
    Snapshot();
  }
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Next().record.body, "a 1");
  const Lsn e = Append("e 1");
  ASSERT_TRUE(writer_->RemoveBefore(e).ok());
  const ReadResult removed = (*reader)->Next();
  ASSERT_EQ(removed.outcome, ReadOutcome::kCompacted)
      << Describe(removed.finding);
  EXPECT_LE(removed.first_lsn, e);
  EXPECT_EQ((*reader)->Next().record.body, "e 1");
}

TEST_F(SnapshotReadingTest, AReaderListsAgainWhatIsRemovedMeanwhile) {
  Open();
  Append("a 1");
  FaultFileSystem slow(&disk_);
  slow.Block(FileOp::kOpen, "0000000001.seg");
  absl::StatusOr<std::unique_ptr<Reader>> reader;
  std::thread opening(
      [&] { reader = Reader::Open(directory_, {.file_system = &slow}); });
  EXPECT_TRUE(slow.AwaitBlocked(FileOp::kOpen));
  for (const char* body : {"b 1", "c 1"}) {
    Snapshot();
    Append(body);
  }
  EXPECT_THAT(Files("0000000001.seg"), IsEmpty());
  slow.Unblock(FileOp::kOpen);
  opening.join();
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (const char* body : {"a 1", "b 1", "c 1"}) {
    EXPECT_EQ((*reader)->Next().record.body, body);
  }
}

// Who can write files but has no key puts a part of a plain journal, told to be
// this one's, in the place of an encrypted one.
TEST_F(SnapshotReadingTest, APlainPartDoesNotPassForAnEncryptedOne) {
  const auto cipher = Cipher::FromBytes(std::string(kKeyBytes, 'k'));
  options_.cipher = cipher->get();
  Open();
  Append("a 1");
  Snapshot();
  Append("b 1");
  Snapshot();
  Close();
  PartWriter::Options forged;
  forged.fs = &disk_;
  forged.directory = directory_;
  forged.uuid = Header(2).uuid;
  forged.part_id = 1;
  forged.span = (*PartReader::Open(disk_, directory_, forged.uuid, 1, nullptr))
                    ->footer()
                    .span;
  auto part = PartWriter::Create(forged);
  Record record;
  record.lsn = 1;
  record.body = "a forged";
  ASSERT_TRUE((*part)->Add(record).ok() && (*part)->Finish().ok());
  auto reader =
      Reader::Open(directory_, {.cipher = cipher->get(), .file_system = &fs_});
  EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(Examine().outcome, FindingKind::kSegmentChain) << Text(Examine());
}

}  // namespace
}  // namespace journal
